"""Helpers shared by corruptions: value ranges, and conversion back to the inputs' type."""

from math import prod
from typing import Any

import tensorflow as tf

UNIT = (0.0, 1.0)


def value_range(inputs: Any) -> tuple[float, float]:
    """Return the minimum and maximum of the inputs' range: those of an integer type, or 0 and 1 for floats."""
    return (float(inputs.dtype.min), float(inputs.dtype.max)) if inputs.dtype.is_integer else UNIT


def values_per_example(inputs: Any) -> int:
    """Return the number of values per example of a batch (n, ...)."""
    return prod(inputs.shape[1:])


def like(values: Any, inputs: Any) -> Any:
    """Convert float values (n, count) to the inputs' range, shape and type."""
    low, high = value_range(inputs)
    values = tf.clip_by_value(tf.reshape(values, tf.shape(inputs)), low, high)
    return tf.cast(tf.round(values) if inputs.dtype.is_integer else values, inputs.dtype)


def flat(inputs: Any) -> Any:
    """Return inputs (n, ...) as float32 (n, count)."""
    return tf.reshape(tf.cast(inputs, tf.float32), [-1, values_per_example(inputs)])
