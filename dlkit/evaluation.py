"""Metrics, predictions, tables and figures of one split."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from dlkit.atomic import write_figure
from dlkit.compiled_model import BuiltModel
from dlkit.data_source import build_dataset, located
from dlkit.datasets._dataset import Split
from dlkit.errors import DlkitError
from dlkit.fingerprint import record_fingerprint
from dlkit.input_pipeline import batches, load_splits, resizer
from dlkit.run_directory import RunDirectory
from dlkit.trained_model import TrainedModel


def evaluate(trained: TrainedModel, split: str) -> dict[str, float]:
    """Loss and metrics of a run's model on one split, written into the run with its tables and figures."""
    data = read_split(trained, split)
    record_fingerprint(trained.run, split, data)
    metrics = write_report(trained.run, trained.built, data, split)
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


def write_report(run: RunDirectory, built: BuiltModel, split: Split, name: str) -> dict[str, float]:
    """Measure a split; write per_class_<name>.csv (or per_value) and the task's figures; returns loss and metrics."""
    metrics = measure(built, split)
    report = built.task.report(predict_split(built, split), split.targets, built.targets.class_names)
    kind = "class" if built.targets.class_names else "value"
    run.write_csv(f"per_{kind}_{name}.csv", report.table)
    for figure_name, figure in report.figures.items():
        path = run.path / "figures" / f"{figure_name}_{name}.png"
        write_figure(path, figure)
    return metrics


def measure(built: BuiltModel, split: Split, batch_size: int = 256) -> dict[str, float]:
    """Loss and metrics over a split, as the compiled network defines them."""
    results = built.network.evaluate(batches(split, batch_size, built.prepare), verbose=0, return_dict=True)
    return {name: float(value) for name, value in results.items()}


def predict_split(built: BuiltModel, split: Split, batch_size: int = 256) -> Mapping[str, np.ndarray]:
    """The task's named outputs for all examples of a split, in order."""
    predict = tf.function(built.predict, reduce_retracing=True)
    stream = batches(split, batch_size, lambda inputs, _: inputs)
    parts = [predict(inputs) for inputs in stream]
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}
