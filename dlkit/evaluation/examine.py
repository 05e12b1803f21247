"""Take the batches of a split through a network, which measures them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.data.batches import examples, fixed_batch, steps_per_epoch
from dlkit.data.pipeline import InputPipeline
from dlkit.errors import InputError
from dlkit.evaluation.tiling import Tiles, tiled
from dlkit.interfaces.data import Split
from dlkit.interfaces.task import Examined, main_output
from dlkit.model.built import BuiltModel
from dlkit.model.compile import measure
from dlkit.recipe.schema import Recipe


class Examiner:
    """Takes the batches of a split through a network, whose loss and metrics they update if it is compiled.

    The network's metrics are reset at the start.
    """

    def __init__(self, built: BuiltModel, recipe: Recipe, split: Split) -> None:
        self._built, self._split, self._size = built, split, fixed_batch(split)
        self.network = network = built.network
        pipeline = pipeline_of(built, recipe)

        def examine(indices: Any, inputs: Any, targets: Any) -> tuple[Any, ...]:
            x, y, *weights = pipeline.prepared(inputs, targets, tf.constant(-1, tf.int64), indices)
            found = network(x, training=False)
            if network.compiled:
                measure(network, x, y, found, *weights)
            counts = main_output(weights[0]) if weights else None
            return x, main_output(y), built.outputs(found), counts

        signature = examples(split, self._size).element_spec
        self._graph = tf.function(examine, input_signature=signature, autograph=False)
        network.reset_metrics()

    @property
    def count(self) -> int:
        """The number of batches."""
        return steps_per_epoch(len(self._split), self._size)

    def batches(self, first: int = 0, last: int | None = None) -> Iterator[Examined]:
        """Yield the batches first <= batch < last in order, each with the network's outputs."""
        description = self._built.description
        names, rate = description.target_names, description.sampling_rate
        for indices, inputs, targets in examples(self._split, self._size, first, last):
            seen, expected, outputs, counts = self._graph(indices, inputs, targets)
            arrays = {name: np.asarray(value) for name, value in outputs.items()}
            weights = None if counts is None else np.asarray(counts)
            x, y = np.asarray(inputs), np.asarray(targets)
            yield Examined(x, np.asarray(seen), y, np.asarray(expected), arrays, weights, self.network, names, rate)


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
        measure(network, seen, expected, output, weights)
        arrays = {name: np.asarray(value) for name, value in built.outputs(output).items()}
        yield Examined(images, np.asarray(seen), masks, np.asarray(expected), arrays)


def pipeline_of(built: BuiltModel, recipe: Recipe) -> InputPipeline:
    """Return what makes the batches of a recipe outside training."""
    return InputPipeline(recipe, built.prepare, built.task.moves_targets)
