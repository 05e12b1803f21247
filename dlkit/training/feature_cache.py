"""Compute the features of a frozen backbone once, so that each epoch only runs and trains the head.

This changes results only by rounding, so it is used whenever possible: when nothing before the head is random, and the
backbone has no trainable weights.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.analysis.layers import outputs_where_called
from dlkit.catalog.create import Component
from dlkit.components.models._backbone import NAME, PretrainedBackbone
from dlkit.data.batches import examples
from dlkit.data.fingerprint import fingerprint
from dlkit.data.pipeline import InputPipeline, TrainSteps
from dlkit.data.shards import Shard
from dlkit.data.splits import Splits
from dlkit.files.cache import cached_arrays, new_array
from dlkit.interfaces.data import Split
from dlkit.machine.environment import versions
from dlkit.model.built import BuiltModel
from dlkit.model.digest import weights_digest
from dlkit.model.groups import leaf_layers
from dlkit.process import THREADS, is_deterministic, whole_number
from dlkit.recipe.schema import Recipe

BATCH = 64
_ORDER = ("features", "targets", "weights")


def head_network(network: keras.Model, changed: bool) -> keras.Model | None:
    """Return the head of a network, from the features of its frozen backbone on, or None where caching is impossible.

    changed: whether inputs are augmented or corrupted, and so differ in every epoch, or also go to a teacher. Dropout
    in a backbone outside inference mode is random, and a penalty on its activations is part of the loss.
    """
    backbone = _backbone(network)
    if backbone is None or changed or isinstance(network.output, Mapping):
        return None
    leaves = leaf_layers(backbone)
    draws = not isinstance(backbone, PretrainedBackbone) and any(map(_is_random, leaves))
    penalised = any(getattr(layer, "activity_regularizer", None) for layer in leaves)
    if draws or penalised or backbone.trainable_weights:
        return None
    return keras.Model(outputs_where_called(backbone)[0], network.output, name="head")


def _backbone(network: keras.Model) -> keras.Model | None:
    """Return the nested model named `backbone`, if it alone reads the network's input."""
    found = next((layer for layer in network.layers if layer.name == NAME and isinstance(layer, keras.Model)), None)
    if found is None or len(found._inbound_nodes) != 1:
        return None
    readers = [layer for layer in network.layers if any(network.input is tensor for tensor in _inputs(layer))]
    return found if readers == [found] else None


def _inputs(layer: Any) -> Iterator[Any]:
    return (tensor for node in layer._inbound_nodes for tensor in node.input_tensors)


def _is_random(layer: Any) -> bool:
    return hasattr(layer, "seed_generator") or hasattr(layer, "generator")


def feature_steps(
    built: BuiltModel, recipe: Recipe, splits: Splits, shards: Sequence[Shard]
) -> tuple[TrainSteps, tf.data.Dataset | None]:
    """Return the steps of training and the batches of validation for the network of head_network()."""
    train = _FeatureSplit(built, recipe, splits.train)
    steps = train.pipeline.train_steps(train.split, shards)
    if splits.validation is None:
        return steps, None
    held = _FeatureSplit(built, recipe, splits.validation)
    return steps, held.pipeline.fixed_batches(held.split, recipe.training.batch_size, shards)


class _FeatureSplit:
    """A split with features instead of inputs, and prepared targets and weights looked up by example number.

    split: features (n, ...), memory-mapped, and the numbers 0 to n - 1.
    """

    def __init__(self, built: BuiltModel, recipe: Recipe, split: Split) -> None:
        key = _key(built, recipe, split)
        arrays = cached_arrays(key, lambda folder: _compute(built, split, folder))
        self.split = Split(arrays["features"], np.arange(len(split)))
        self._prepared = [tf.convert_to_tensor(arrays[name]) for name in _ORDER[1:] if name in arrays]
        self.pipeline = InputPipeline(recipe, self._prepare, moves_targets=False)

    def _prepare(self, features: Any, numbers: Any) -> tuple[Any, ...]:
        return features, *(tf.gather(tensor, numbers) for tensor in self._prepared)


def _compute(built: BuiltModel, split: Split, folder: Path) -> None:
    """Write features.npy, targets.npy and, where examples have different weights, weights.npy."""
    backbone = _backbone(built.network)
    assert backbone is not None  # head_network has found it

    def compute(inputs: Any, targets: Any) -> list[Any]:
        x, *rest = built.prepare(inputs, targets)
        return [backbone(x, training=False), *rest]

    graph: Callable[[Any, Any], list[Any]] = tf.function(compute, reduce_retracing=True, autograph=False)
    files: list[np.memmap] = []
    for indices, inputs, targets in examples(split, BATCH):
        values = [np.asarray(value) for value in graph(inputs, targets)]
        files = files or [_opened(folder, name, len(split), v) for name, v in zip(_ORDER, values, strict=False)]
        for file, value in zip(files, values, strict=True):
            file[np.asarray(indices)] = value
    for file in files:
        file.flush()


def _opened(folder: Path, name: str, count: int, like: np.ndarray) -> np.memmap:
    return new_array(folder / f"{name}.npy", like.dtype, (count, *like.shape[1:]))


def _key(built: BuiltModel, recipe: Recipe, split: Split) -> dict[str, Any]:
    """Return the cache key: everything that the arrays depend on."""
    backbone = _backbone(built.network)
    models = [built.preprocess, backbone]
    return {
        "data": fingerprint(split),
        "models": [[model.to_json(), weights_digest(model.weights)] for model in models if model is not None],
        "head": list(built.network.output.shape),
        "task": _plain(recipe.task),
        "precision": recipe.training.precision,
        "versions": versions(),
        "conditions": [is_deterministic(), whole_number(THREADS)],
    }


def _plain(value: Any) -> Any:
    """Return a component's name and settings without its location in the recipe."""
    if isinstance(value, Component):
        return {value.name: _plain(value.settings)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
