"""What corruptions share: the range of values, and the way back to the inputs' own type."""

from math import prod
from typing import Any

import tensorflow as tf

UNIT = (0.0, 1.0)


def value_range(inputs: Any) -> tuple[float, float]:
    """The least and the greatest value that inputs can have: those of the integer type, for floats 0 and 1."""
    return (float(inputs.dtype.min), float(inputs.dtype.max)) if inputs.dtype.is_integer else UNIT


def values_per_example(inputs: Any) -> int:
    """How many values one example of a batch (n, ...) has."""
    return prod(inputs.shape[1:])


def like(values: Any, inputs: Any) -> Any:
    """Float values (n, count) in the inputs' range, shape and type."""
    low, high = value_range(inputs)
    values = tf.clip_by_value(tf.reshape(values, tf.shape(inputs)), low, high)
    return tf.cast(tf.round(values) if inputs.dtype.is_integer else values, inputs.dtype)


def flat(inputs: Any) -> Any:
    """Inputs (n, ...) as float32 (n, count)."""
    return tf.reshape(tf.cast(inputs, tf.float32), [-1, values_per_example(inputs)])
