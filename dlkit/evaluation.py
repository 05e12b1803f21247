"""Metrics, predictions, tables and figures of one split."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.atomic import write_figure
from dlkit.compiled_model import BuiltModel, metric_names
from dlkit.data_source import build_dataset, located
from dlkit.datasets._dataset import Split
from dlkit.errors import DlkitError
from dlkit.fingerprint import record_fingerprint
from dlkit.input_pipeline import InputPipeline, examples
from dlkit.recipe.schema import Recipe
from dlkit.run_directory import RunDirectory
from dlkit.splits import load_splits, resizer
from dlkit.tasks._task import Examined, main_output
from dlkit.trained_model import TrainedModel


def evaluate(trained: TrainedModel, split: str) -> dict[str, float]:
    """Loss and metrics of a run's model on one split, written into the run with its tables and figures."""
    data = read_split(trained, split)
    record_fingerprint(trained.run, split, data)
    metrics = write_report(trained.run, trained.built, trained.loaded.recipe, data, split)
    content = trained.run.read_json("metrics.json")
    content.setdefault("evaluation", {})[split] = {"checkpoint": trained.checkpoint, "metrics": metrics}
    trained.run.write_json("metrics.json", content)
    return metrics


def read_split(trained: TrainedModel, split: str) -> Split:
    """Read one split; train and validation are those that training saw, anything else is the source's own."""
    recipe = trained.loaded.recipe
    dataset = build_dataset(recipe)
    try:
        if split == "test":
            return dataset.load("test", resizer(recipe.data))
        splits = load_splits(recipe.data, dataset, trained.built.task.stratified)
        if split == "validation" and splits.validation is not None:
            return splits.validation
        return splits.train if split == "train" else dataset.load(split, resizer(recipe.data))
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error


def write_report(run: RunDirectory, built: BuiltModel, recipe: Recipe, split: Split, name: str) -> dict[str, float]:
    """Measure a split; write its table (such as per_class_<name>.csv) and figures; returns loss and metrics."""
    metrics = measure(built, recipe, split)
    report = built.task.report(examined(built, recipe, split), built.class_names)
    run.write_csv(f"per_{report.rows_are}_{name}.csv", report.table)
    for figure_name, figure in report.figures.items():
        path = run.path / "figures" / f"{figure_name}_{name}.png"
        write_figure(path, figure)
    return {**metrics, **report.metrics}


def measure(built: BuiltModel, recipe: Recipe, split: Split, batch_size: int = 256) -> dict[str, float]:
    """Loss and metrics over a split, as the compiled network defines them."""
    batches = _pipeline(built, recipe).fixed_batches(split, batch_size)
    return metric_names(built.network.evaluate(batches, verbose=0, return_dict=True))


def examined(built: BuiltModel, recipe: Recipe, split: Split, batch_size: int = 256) -> Iterator[Examined]:
    """A split's batches in order, each with what the network makes of it."""
    pipeline = _pipeline(built, recipe)

    def examine(indices: Any, inputs: Any, targets: Any) -> tuple[Any, ...]:
        x, y, *weights = pipeline.prepared(inputs, targets, tf.constant(-1, tf.int64), indices)
        counts = main_output(weights[0]) if weights else None
        return x, main_output(y), built.outputs(built.network(x, training=False)), counts

    graph = tf.function(examine, reduce_retracing=True)
    for indices, inputs, targets in examples(split, batch_size):
        seen, expected, outputs, counts = graph(indices, inputs, targets)
        arrays = {name: np.asarray(value) for name, value in outputs.items()}
        weights = None if counts is None else np.asarray(counts)
        x, y = np.asarray(inputs), np.asarray(targets)
        yield Examined(x, np.asarray(seen), y, np.asarray(expected), arrays, weights, built.network)


def _pipeline(built: BuiltModel, recipe: Recipe) -> InputPipeline:
    return InputPipeline(recipe, built.prepare, built.task.moves_targets)
