"""Values that jump to the ends of their range."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.components.corrupt._values import flat, like, value_range, values_per_example
from dlkit.draws import uniform_field


def salt_and_pepper(inputs: Any, seeds: Any, *, share: Annotated[float, Field(ge=0, le=1)] = 0.1) -> tuple[Any, None]:
    """A share of the values jumps to the least or the greatest one, half of them each way.

    inputs: (n, ...), of any number type; seeds: int32 (n, 2). share: the chance of every single value. Returns inputs
    of the same shape and type.
    """
    low, high = value_range(inputs)
    draws = uniform_field(seeds, values_per_example(inputs))
    changed = tf.where(draws < share / 2, low, tf.where(draws < share, high, flat(inputs)))
    return like(changed, inputs), None
