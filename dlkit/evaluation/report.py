"""Measure a split with a built model: metrics, the task's table, and how its figures are drawn."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.data.batches import examples, fixed_batch
from dlkit.data.pipeline import InputPipeline
from dlkit.errors import InputError
from dlkit.evaluation.tiling import Tiles, tiled
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


def write_report(
    run: RunDirectory, built: BuiltModel, recipe: Recipe, split: Split, name: str, tiles: Tiles | None = None
) -> Measured:
    """Measure a split; write its table, such as per_class_<name>.csv, and answers_<name>.npz."""
    if tiles is None:
        metrics = measure(built, recipe, split)
        report = built.task.report(examined(built, recipe, split), built.class_names)
    else:
        report = built.task.report(examined_by_tiles(built, split, tiles), built.class_names)
        metrics = metric_names(built.network.get_metrics_result())
    run.write_csv(f"per_{report.rows_are}_{name}.csv", report.table)
    write_answers(run, name, report.answers, report.worst)
    figures = {f"{figure}_{name}": draw for figure, draw in report.figures.items()}
    return Measured({**metrics, **report.metrics}, figures)


def measure(built: BuiltModel, recipe: Recipe, split: Split) -> dict[str, float]:
    """Return loss and metrics over a split, as the compiled network defines them."""
    batches = _pipeline(built, recipe).fixed_batches(split, fixed_batch(split))
    return metric_names(built.network.evaluate(batches, verbose=0, return_dict=True))


def network_outputs(built: BuiltModel, recipe: Recipe, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return the network's main outputs (n, ...) for a whole split, and what the loss expects of them."""
    batches = _pipeline(built, recipe).fixed_batches(split, fixed_batch(split))
    network = built.inference_network
    pairs = [(network.predict_on_batch(x), np.asarray(main_output(y))) for x, y, *_ in batches]
    outputs, expected = zip(*pairs, strict=True)
    return np.concatenate(outputs), np.concatenate(expected)


def examined(built: BuiltModel, recipe: Recipe, split: Split) -> Iterator[Examined]:
    """Yield a split's batches in order, each with the network's outputs."""
    pipeline = _pipeline(built, recipe)

    def examine(indices: Any, inputs: Any, targets: Any) -> tuple[Any, ...]:
        x, y, *weights = pipeline.prepared(inputs, targets, tf.constant(-1, tf.int64), indices)
        counts = main_output(weights[0]) if weights else None
        return x, main_output(y), built.outputs(built.network(x, training=False)), counts

    graph = tf.function(examine, reduce_retracing=True, autograph=False)
    for indices, inputs, targets in examples(split, fixed_batch(split)):
        seen, expected, outputs, counts = graph(indices, inputs, targets)
        arrays = {name: np.asarray(value) for name, value in outputs.items()}
        weights = None if counts is None else np.asarray(counts)
        x, y = np.asarray(inputs), np.asarray(targets)
        names, rate = built.description.target_names, built.description.sampling_rate
        yield Examined(x, np.asarray(seen), y, np.asarray(expected), arrays, weights, built.network, names, rate)


def examined_by_tiles(built: BuiltModel, split: Split, tiles: Tiles) -> Iterator[Examined]:
    """Yield a split's images in order, each predicted in tiles; this updates the network's loss and metrics."""
    if not built.task.moves_targets or isinstance(built.network.output, dict):
        raise InputError("--tile needs a network with one output, a class for every pixel", "remove it")
    network, through = built.network, tiled(built, tiles)
    network.reset_metrics()
    for index in range(len(split)):
        images, masks = split.read(np.array([index]))
        output = tf.constant(through(images[0])[np.newaxis])
        seen = built.preprocess(images, training=False)
        expected = built.task.prepare_targets(masks, seen, network)
        weights = built.task.sample_weights(masks, None)
        loss = network.compute_loss(seen, expected, output, weights, training=False)
        network._loss_tracker.update_state(loss)
        network.compute_metrics(seen, expected, output, weights)
        arrays = {name: np.asarray(value) for name, value in built.outputs(output).items()}
        yield Examined(images, np.asarray(seen), masks, np.asarray(expected), arrays)


def _pipeline(built: BuiltModel, recipe: Recipe) -> InputPipeline:
    return InputPipeline(recipe, built.prepare, built.task.moves_targets)
