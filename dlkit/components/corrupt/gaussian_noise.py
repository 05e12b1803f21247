"""Gaussian noise on every value."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.components.corrupt._values import flat, like, value_range, values_per_example
from dlkit.draws import normal_field


def gaussian_noise(inputs: Any, seeds: Any, *, stddev: Annotated[float, Field(ge=0, le=10)] = 0.5) -> tuple[Any, None]:
    """Add Gaussian noise to every value and clip to the value range.

    inputs: (n, ...), any numeric type; seeds: int32 (n, 2). stddev: as a share of the value range, which is that of the
    integer type up to 16 bits (0 to 255 for pixels); otherwise 0 to 1, widened to the example's own values. Returns
    inputs of the same shape and type.
    """
    low, high = value_range(inputs)
    noise = normal_field(seeds, values_per_example(inputs))
    noisy = flat(inputs) + noise * (stddev * (high - low))
    return like(tf.clip_by_value(noisy, low, high), inputs), None
