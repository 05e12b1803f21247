"""Salt-and-pepper noise: random values are set to an end of their range."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.components.corrupt._values import like, value_range, values_per_example
from dlkit.draws import uniform_field


def salt_and_pepper(inputs: Any, seeds: Any, *, share: Annotated[float, Field(ge=0, le=1)] = 0.1) -> tuple[Any, None]:
    """Set a random share of the values to the minimum or maximum of their range, with equal probability.

    inputs: (n, ...), any numeric type; seeds: int32 (n, 2). share: the probability for each value. The range
    is that of the integer type up to 16 bits; otherwise 0 to 1, widened to the example's own values. Returns inputs of
    the same shape and type.
    """
    low, high = value_range(inputs)
    draws = uniform_field(seeds, values_per_example(inputs))
    ends = tf.where(draws < share / 2, low, high)
    return tf.where(tf.reshape(draws < share, tf.shape(inputs)), like(ends, inputs), inputs), None
