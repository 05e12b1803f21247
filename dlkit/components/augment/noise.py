"""White noise in recordings."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.draws import normal_field, uniform
from dlkit.errors import InputError
from dlkit.interfaces.augment import takes


@takes(images=False, recordings=True)
def noise(
    recordings: Any, masks: Any, seeds: Any, *, lowest: float = 20.0, highest: Annotated[float, Field(gt=0)] = 50.0
) -> tuple[Any, Any]:
    """Add white noise to every recording, softer than it by a ratio from lowest to highest, in dB.

    recordings: float32 (n, samples), NaN after the end of each; seeds: int32 (n, 2), one pair per recording. The ratio
    is that of the powers (means of squares), and all ratios are equally likely. The noise of a recording is the same in
    any batch. Returns recordings of the same shape, and the masks.
    """
    if lowest > highest:
        raise InputError(f"the lowest ratio {lowest:g} is above the highest {highest:g}", "swap them")
    real = ~tf.math.is_nan(recordings)
    squares = tf.where(real, tf.square(recordings), 0.0)
    count = tf.reduce_sum(tf.cast(real, tf.float32), axis=1, keepdims=True)
    level = tf.sqrt(tf.math.divide_no_nan(tf.reduce_sum(squares, axis=1, keepdims=True), count))
    ratio = lowest + (highest - lowest) * uniform(seeds, 1)
    drawn = normal_field(seeds, tf.shape(recordings)[1])
    return recordings + level * tf.pow(10.0, -ratio / 20) * drawn, masks
