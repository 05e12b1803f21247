"""What a run's own record shows, without its data and its network."""

import numpy as np

from dlkit.diagnosis.finding import Finding
from dlkit.diagnosis.record import Record
from dlkit.formatting import first_few, rounded

ABOVE_START, STILL_HIGH = 1.5, 0.3
OVERFIT_LOSS, OVERFIT_EARLY, LONG, EARLY = 1.75, 1.35, 20, 0.25
"""A rise of val_loss that is overfitting; less is, where its best epoch is EARLY among LONG epochs or more."""
ADVICE_LOWER = "train with a learning rate ten times smaller: dlkit lr-range proposes one"


def diverged(record: Record) -> Finding | None:
    """Find losses that became NaN, or stayed far above the loss before the first step."""
    if record.stopped_by_fault:
        stopped = "the training stopped because a loss or a weight became NaN or infinite: see faults/ in the run"
        return Finding(
            "learning_rate_too_high", "the training diverged: its steps are too long", (stopped,), ADVICE_LOWER
        )
    losses, first = record.history.get("loss", np.array([])), record.first_loss
    if first is None or first <= 0 or not np.isfinite(losses).any():
        return None
    worst, epoch = float(np.nanmax(losses)), int(np.nanargmax(losses))
    if worst <= ABOVE_START * first or losses[-1] <= STILL_HIGH * first:
        return None
    rose = f"the loss was {rounded(first, 3)} before the first step and {rounded(worst, 3)} in epoch {epoch}"
    return Finding("learning_rate_too_high", "the learning rate is too high: the loss rose", (rose,), ADVICE_LOWER)


def missing_class(record: Record) -> Finding | None:
    """Find classes without examples in train."""
    counts = record.class_counts
    lacking = [name for name, count in counts.items() if not count]
    if not lacking or len(lacking) == len(counts):
        return None
    evidence = f"train has 0 examples of {first_few(lacking, 5)}, and {sum(counts.values()):,} of the other classes"
    says = f"train has no examples of {first_few(lacking, 5)}, so the network cannot learn to answer with it"
    return Finding("missing_class", says, (evidence,), "add examples of it, or name the other classes in data.classes")


def trained_too_long(record: Record) -> Finding | None:
    """Find a validation loss that rose far above its lowest value while the loss of train fell."""
    history = record.history
    losses, held = history.get("loss"), history.get("val_loss")
    if losses is None or held is None or len(held) < 5 or not np.isfinite(held).all():
        return None
    best = int(np.argmin(held))
    late, lowest = float(np.median(held[-3:])), float(held[best])
    early = len(held) >= LONG and best < EARLY * len(held)
    rise = OVERFIT_EARLY if early else OVERFIT_LOSS
    if best > 0.6 * len(held) or lowest <= 0 or late < rise * lowest or losses[-1] > 0.7 * losses[best]:
        return None
    evidence = (
        f"val_loss was lowest in epoch {best} with {rounded(lowest, 3)}, and {rounded(late, 3)} at the end",
        f"the loss of train fell from {rounded(float(losses[best]), 3)} to {rounded(float(losses[-1]), 3)} meanwhile",
    )
    says = f"the network overfits: since epoch {best} it learns train by heart"
    return Finding("overfitting", says, evidence, "stop early: add EarlyStopping, or use --checkpoint best")
