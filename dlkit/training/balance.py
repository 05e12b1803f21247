"""How many examples the classes of train have, and a warning where accuracy alone hides the rare ones."""

import numpy as np

from dlkit.data.splits import Split
from dlkit.interfaces.task import Task
from dlkit.model.built import BuiltModel

STRONG = 5
"""From this ratio of the most to the least common class, accuracy alone says little."""


def class_counts(built: BuiltModel, train: Split) -> tuple[int, ...]:
    """Return the examples of each class, empty for a task without a class for each example."""
    if not built.task.stratified:
        return ()
    counts = np.bincount(np.asarray(train.targets).astype(np.int64), minlength=len(built.class_names))
    return tuple(map(int, counts))


def imbalance_warning(task: Task, class_names: tuple[str, ...], counts: tuple[int, ...]) -> str | None:
    """Return a warning for classes of very different sizes that are measured by accuracy alone, or None."""
    present = [count for count in counts if count]
    if not present or max(present) < STRONG * min(present) or task.measures_balance:
        return None
    many, few = int(np.argmax(counts)), counts.index(min(present))
    return (
        f"the classes are imbalanced: {class_names[many]} has {counts[many]:,} examples of train, {class_names[few]} "
        f"{counts[few]:,}. Accuracy alone hides rare classes: add metrics such as "
        f"{{BalancedAccuracy: {{classes: {len(class_names)}}}}}, or class_weights: balanced"
    )
