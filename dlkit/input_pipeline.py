"""From a dataset's splits to batches: source, resize, augment, targets, preprocess.

Every draw (shuffle, augment) is a pure function of the seed, the epoch and the example's index, and a batch is a pure
function of the step. So training can begin at any step without stored state, and gives the same batches every time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.components import load
from dlkit.datasets._dataset import ArraySpec, Dataset, Description, Split, seeded_split
from dlkit.errors import InputError
from dlkit.images import ImageResizer
from dlkit.layers._stack import stack
from dlkit.recipe.schema import Data, Validation

LIMIT_SEED = 0


@dataclass(frozen=True)
class Splits:
    """The examples that training may see: train, and validation where the recipe holds some out."""

    train: Split
    validation: Split | None


@dataclass(frozen=True)
class Batching:
    """What turns the examples of train into the batch of any step."""

    batch_size: int
    seed: int
    shuffle: bool


def resizer(data: Data) -> ImageResizer | None:
    """The recipe's data.resize as a function on images."""
    return ImageResizer(**data.resize.model_dump()) if data.resize else None


def resized_spec(data: Data, description: Description) -> ArraySpec:
    """Shape and dtype of one example after data.resize; InputError when the data cannot be resized."""
    spec = description.inputs
    if data.resize is None:
        return spec
    if len(spec.shape) != 3:
        raise InputError(
            f"only images can be resized, an example here has the shape {list(spec.shape)}",
            "remove it",
            key="data.resize",
        )
    return ArraySpec((data.resize.height, data.resize.width, spec.shape[-1]), "uint8")


def load_splits(data: Data, dataset: Dataset, stratified: bool) -> Splits:
    """Read train, sample data.limit of it, and hold validation out of the rest as the recipe says."""
    train = dataset.load("train", resizer(data))
    if data.limit is not None and data.limit < len(train):
        _, sample = seeded_split(train.targets, data.limit / len(train), LIMIT_SEED, stratified)
        train = train.select(sample)
    if not isinstance(data.validation, Validation):
        return Splits(train, None)
    if data.validation.split is not None:
        return Splits(train, dataset.load(data.validation.split, resizer(data)))
    kept, held = _held_out(train, data.validation, stratified)
    return Splits(train.select(kept), train.select(held))


def _held_out(train: Split, validation: Validation, stratified: bool) -> tuple[np.ndarray, np.ndarray]:
    if validation.fraction is not None:
        return seeded_split(train.targets, validation.fraction, validation.seed, stratified)
    from sklearn.model_selection import KFold, StratifiedKFold

    assert validation.of is not None  # the schema checks that fold and of go together
    folds = (StratifiedKFold if stratified else KFold)(validation.of, shuffle=True, random_state=validation.seed)
    try:
        kept, held = list(folds.split(np.zeros(len(train)), train.targets))[validation.fold or 0]
    except ValueError as error:
        raise InputError(f"{len(train)} examples cannot be split into {validation.of} folds: {error}") from error
    return kept, held


def augmentation(data: Data) -> list[Callable[..., Any]]:
    """The recipe's augment components as functions of (images, seeds)."""

    def bind(component: Any) -> Callable[..., Any]:
        function: Any = load("augment", component.name)
        return lambda images, seeds: function(images, seeds, **component.settings)

    return [bind(component) for component in data.augment]


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Batches in an epoch; the last one may be smaller."""
    return -(-examples // batch_size)


def train_batches(
    train: Split,
    batching: Batching,
    prepare: Callable[[Any, Any], Any],
    augment: list[Callable[..., Any]],
    first_step: int,
    last_step: int,
) -> tf.data.Dataset:
    """The batches of steps first_step <= step < last_step, counted through all epochs, prepared for the network."""
    size, examples = batching.batch_size, len(train)
    steps = steps_per_epoch(examples, size)

    def indices_of(step: Any) -> tuple[Any, Any]:
        epoch, batch = step // steps, step % steps
        positions = tf.range(batch * size, tf.minimum((batch + 1) * size, examples))
        if not batching.shuffle:
            return epoch, positions
        seed = tf.stack([tf.constant(batching.seed, tf.int64), epoch])
        return epoch, tf.random.experimental.index_shuffle(positions, seed, examples - 1)

    def batch_of(epoch: Any, indices: Any) -> Any:
        inputs, targets = _read(train, indices)
        for stage, function in enumerate(augment):
            inputs = function(inputs, _seeds(batching.seed, stage, epoch, indices))
        return prepare(inputs, targets)

    numbers = tf.data.Dataset.range(first_step, last_step)
    return _in_order(numbers.map(indices_of).map(batch_of, num_parallel_calls=tf.data.AUTOTUNE))


def batches(split: Split, batch_size: int, prepare: Callable[[Any, Any], Any]) -> tf.data.Dataset:
    """All examples of a split in their own order, prepared for the network."""
    starts = tf.data.Dataset.range(0, len(split), batch_size)
    ranges = starts.map(lambda start: tf.range(start, tf.minimum(start + batch_size, len(split))))
    return _in_order(ranges.map(lambda i: prepare(*_read(split, i)), num_parallel_calls=tf.data.AUTOTUNE))


def _read(split: Split, indices: Any) -> tuple[Any, Any]:
    arrays = (split.inputs, split.targets)
    parts = tf.numpy_function(split.read, [indices], [array.dtype for array in arrays])
    return tuple(tf.ensure_shape(part, (None, *array.shape[1:])) for part, array in zip(parts, arrays, strict=True))


def _seeds(seed: int, stage: int, epoch: Any, indices: Any) -> Any:
    """One int32 pair for every example, a pure function of (seed, stage, epoch, index)."""
    key = tf.random.experimental.stateless_fold_in(tf.constant([seed, stage + 1], tf.int32), tf.cast(epoch, tf.int32))
    index = tf.cast(indices, tf.int32)
    return tf.stack([tf.broadcast_to(key[0], tf.shape(index)), tf.bitwise.bitwise_xor(key[1], index)], axis=1)


def _in_order(dataset: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    options.deterministic = True
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)


def build_preprocess(spec: ArraySpec, layers: list[Any]) -> keras.Model:
    """The recipe's preprocess layers as a model of its own, from one example's shape and dtype to the network's input.

    Floating-point inputs and 8-bit pixels arrive in the training precision (bfloat16 is left to the network itself).
    """
    floatx = keras.config.floatx()
    inputs = keras.Input(spec.shape, dtype=spec.dtype, name="inputs")
    outputs = stack(layers, inputs)
    if outputs.dtype == "uint8" or (outputs.dtype.startswith("float") and outputs.dtype != floatx):
        outputs = keras.ops.cast(outputs, floatx)
    return keras.Model(inputs, outputs, name="preprocess")


def adapt(preprocess: keras.Model, train: Split, batch_size: int = 1000) -> None:
    """Let layers such as Normalization learn from train alone, unaugmented, each on what the ones before it give."""
    for layer in preprocess.layers:
        if hasattr(layer, "adapt") and getattr(layer, "input_mean", None) is None:
            before = keras.Model(preprocess.input, layer.input)
            layer.adapt(batches(train, batch_size, _inputs_through(before)))


def _inputs_through(model: keras.Model) -> Callable[[Any, Any], Any]:
    return lambda inputs, _: model(inputs)
