"""Helpers shared by corruptions: value ranges, and conversion back to the inputs' type."""

from math import prod
from typing import Any

import tensorflow as tf

from dlkit.errors import InputError
from dlkit.media.images import nearest


def value_range(inputs: Any) -> tuple[Any, Any]:
    """Return the minimum and maximum of the range of each example (n, ...), float32 (n, 1).

    That of an integer type of 8 or 16 bits; otherwise 0 to 1, or further if the example has values outside.
    """
    if inputs.dtype == tf.bool:
        raise InputError("noise needs numbers, but the data is boolean", "save x as numbers: x.astype('float32')")
    values = flat(inputs)
    if inputs.dtype.is_integer and inputs.dtype.size <= 2:
        return tuple(tf.fill([tf.shape(values)[0], 1], float(end)) for end in (inputs.dtype.min, inputs.dtype.max))
    low = tf.minimum(tf.reduce_min(values, axis=1, keepdims=True), 0.0)
    return low, tf.maximum(tf.reduce_max(values, axis=1, keepdims=True), 1.0)


def values_per_example(inputs: Any) -> int:
    """Return the number of values per example of a batch (n, ...)."""
    return prod(inputs.shape[1:])


def like(values: Any, inputs: Any) -> Any:
    """Convert float values (n, count) to the inputs' shape and type; integers are rounded and never wrap."""
    return nearest(tf.reshape(values, tf.shape(inputs)), inputs.dtype)


def flat(inputs: Any) -> Any:
    """Return inputs (n, ...) as float32 (n, count)."""
    return tf.reshape(tf.cast(inputs, tf.float32), [-1, values_per_example(inputs)])
