"""Build the recipe's preprocess layers as a separate model, which always runs before the network."""

from typing import Any

import keras
import tensorflow as tf

from dlkit.catalog.create import locate
from dlkit.components.layers._stack import stack
from dlkit.components.layers._words import AtLeastOneStep, check_dense
from dlkit.components.losses._on_normalized import inverts
from dlkit.data.batches import examples
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, Split
from dlkit.interfaces.ragged import Ragged


def build_preprocess(spec: ArraySpec, layers: list[Any]) -> keras.Model:
    """Return the preprocess layers as a model from examples of the given shape and dtype to the network's inputs.

    All values are cast to the training precision (the network itself casts to bfloat16), except for text and for
    integers of 32 and 64 bits outside images, which may be indices.
    """
    for layer in layers:
        if isinstance(layer, keras.layers.TextVectorization):
            check_dense(layer)
    floatx = keras.config.floatx()
    inputs = keras.Input(spec.shape, dtype=spec.dtype, name="inputs")
    outputs = stack(layers, inputs)
    for layer in layers:
        _check_takes_texts(layer)
    if outputs.dtype == "int64" and tuple(outputs.shape[1:]) == (None,):
        outputs = AtLeastOneStep(name="at_least_one_step")(outputs)
    indices = outputs.dtype in ("int32", "int64") and len(outputs.shape) < 4
    if outputs.dtype not in (floatx, "string") and not indices:
        outputs = keras.ops.cast(outputs, floatx)
    return keras.Model(inputs, outputs, name="preprocess")


def _check_takes_texts(layer: Any) -> None:
    """Raise InputError for a layer that computes with texts; Keras says so only when it sees the first one."""
    read, own = layer.input, type(layer).__module__.startswith("dlkit.")
    if isinstance(read, keras.KerasTensor) and read.dtype == "string" and layer.output.dtype != "string":
        if own or isinstance(layer, _READ_TEXTS):
            return
        raise InputError(
            f"{type(layer).__name__} takes numbers, but its inputs are texts",
            "turn them into numbers first, with TextVectorization",
            location=locate(layer),
        )


_READ_TEXTS = (keras.layers.TextVectorization, keras.layers.StringLookup, keras.layers.Hashing)


def adapt(train: Split, *models: keras.Model, batch_size: int = 1000) -> None:
    """Adapt layers such as Normalization to the unaugmented train split, each to the outputs of the layers before it.

    models: preprocess, then the network, which may have such layers too. One that inverts a normalization is adapted to
    the targets.
    """
    for number, model in enumerate(models):
        for layer in model.layers:
            if inverts(layer):
                layer.adapt(examples(train, batch_size).map(lambda indices, inputs, targets: targets))
            elif hasattr(layer, "adapt") and getattr(layer, "input_mean", None) is None:
                batches = examples(train, batch_size).map(lambda indices, inputs, targets: inputs)
                for before in (*models[:number], keras.Model(model.input, layer.input)):
                    batches = batches.map(before)
                layer.adapt(batches.map(_real_steps) if _is_padded(train, layer) else batches)


def _is_padded(train: Split, layer: Any) -> bool:
    """Return whether a layer's inputs are floats in which NaN is padding."""
    floats = keras.backend.is_float_dtype(keras.backend.standardize_dtype(layer.input.dtype))
    return isinstance(train.inputs, Ragged) and floats and layer.input.shape[1:2] == (None,)


def _real_steps(padded: Any) -> Any:
    """Return the steps (k, 1, ...) of sequences (n, steps, ...) that are not padding, each as a sequence of its own."""
    features = tuple(range(2, len(padded.shape)))
    return tf.boolean_mask(padded, ~tf.reduce_any(tf.math.is_nan(padded), features))[:, tf.newaxis]
