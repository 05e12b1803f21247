"""Random shifts of recordings in time."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.draws import uniform
from dlkit.interfaces.augment import takes


@takes(images=False, recordings=True)
def time_shift(
    recordings: Any, masks: Any, seeds: Any, *, samples: Annotated[int, Field(gt=0)] = 160
) -> tuple[Any, Any]:
    """Shift every recording by up to so many samples to either side; what enters is silence.

    recordings: float32 (n, samples), NaN after the end of each; seeds: int32 (n, 2), one pair per recording. Lengths
    stay the same, so that as many samples leave as enter. Returns recordings of the same shape, and the masks.
    """
    length = tf.shape(recordings)[1]
    span = tf.cast(2 * samples + 1, tf.float32)
    shift = tf.minimum(tf.cast(uniform(seeds, 1)[:, 0] * span, tf.int32), 2 * samples) - samples
    places = tf.range(length)[tf.newaxis] - shift[:, tf.newaxis]
    moved = tf.gather(recordings, tf.clip_by_value(places, 0, length - 1), axis=1, batch_dims=1)
    silent = (places < 0) | (places >= length) | tf.math.is_nan(moved)
    return tf.where(tf.math.is_nan(recordings), recordings, tf.where(silent, 0.0, moved)), masks
