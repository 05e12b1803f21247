"""Measure a split with a built model: metrics, the task's table, and how its figures are drawn."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.data.batches import fixed_batch
from dlkit.evaluation.examine import pipeline_of
from dlkit.interfaces.data import Split
from dlkit.interfaces.task import Examined, main_output
from dlkit.model.built import BuiltModel
from dlkit.model.compile import metric_names
from dlkit.recipe.schema import Recipe
from dlkit.runs.answers import write_answers
from dlkit.runs.directory import RunDirectory


@dataclass(frozen=True)
class Measured:
    """Loss and metrics of a split, and what draws its figures, by file name."""

    metrics: dict[str, float]
    figures: dict[str, Callable[[], Any]]


def write_report(run: RunDirectory, built: BuiltModel, name: str, batches: Iterable[Examined]) -> Measured:
    """Measure a split from its batches, which update the network's loss and metrics.

    Writes the split's table, such as per_class_<name>.csv, and answers_<name>.npz.
    """
    report = built.task.report(batches, built.class_names)
    metrics = metric_names(built.network.get_metrics_result())
    run.write_csv(f"per_{report.rows_are}_{name}.csv", report.table)
    write_answers(run, name, report.answers, report.worst)
    figures = {f"{figure}_{name}": draw for figure, draw in report.figures.items()}
    return Measured({**metrics, **report.metrics}, figures)


def measure(built: BuiltModel, recipe: Recipe, split: Split) -> dict[str, float]:
    """Return loss and metrics over a split, as the compiled network defines them."""
    batches = pipeline_of(built, recipe).fixed_batches(split, fixed_batch(split))
    return metric_names(built.network.evaluate(batches, verbose=0, return_dict=True))


def network_outputs(
    built: BuiltModel, recipe: Recipe, split: Split
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the network's main outputs (n, ...) for a whole split, what the loss expects of them, and its weights."""
    batches = pipeline_of(built, recipe).fixed_batches(split, fixed_batch(split))
    network = built.inference_network
    parts = [
        (network.predict_on_batch(x), *(np.asarray(main_output(part)) for part in (y, *weights)))
        for x, y, *weights in batches
    ]
    outputs, expected, *weights = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return outputs, expected, weights[0] if weights else None
