"""Masks of frequencies and of times in spectrograms."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.draws import uniform
from dlkit.interfaces.augment import takes


@takes(images=False, features=True)
def spec_augment(
    features: Any,
    masks: Any,
    seeds: Any,
    *,
    frequency_masks: Annotated[int, Field(ge=0)] = 1,
    frequencies: Annotated[int, Field(ge=1)] = 8,
    time_masks: Annotated[int, Field(ge=0)] = 1,
    share: Annotated[float, Field(gt=0, lt=1)] = 0.1,
) -> tuple[Any, Any]:
    """Set bands of frequencies and spans of time to 0 in the features of every recording (SpecAugment, Park, 2019).

    features: the preprocessed input, float32 (n, frames, features), NaN after the end of each recording; 0 is the mean
    after Normalization. seeds: int32 (n, 2), one pair per recording. Each of the frequency_masks covers 0 to
    `frequencies` neighbouring features, and each of the time_masks 0 to `share` of the recording's own frames. Widths
    and places are uniform. Returns features of the same shape, and the masks. Leave it out for features of several
    frames, such as those of ContextFrames.
    """
    frames = tf.reduce_sum(tf.cast(~tf.math.is_nan(features[..., 0]), tf.float32), axis=1)
    bands = tf.fill(tf.shape(frames), tf.cast(features.shape[-1], tf.float32))
    draws = uniform(seeds, 2 * (frequency_masks + time_masks) or 1)
    kept = tf.ones_like(features, tf.bool)
    for number in range(frequency_masks + time_masks):
        in_time = number >= frequency_masks
        size = frames if in_time else bands
        widest = share * frames if in_time else tf.minimum(float(frequencies), bands)
        width = tf.floor(draws[:, 2 * number] * (tf.floor(widest) + 1))
        start = tf.floor(draws[:, 2 * number + 1] * (size - width + 1))
        inside = _inside(tf.shape(features)[1 if in_time else 2], start, width)
        kept &= ~(inside[:, :, tf.newaxis] if in_time else inside[:, tf.newaxis])
    return features * tf.cast(kept, features.dtype), masks


def _inside(count: Any, start: Any, width: Any) -> Any:
    """Return bool (n, count): which places lie in [start, start + width)."""
    places = tf.cast(tf.range(count), tf.float32)[tf.newaxis]
    return (places >= start[:, tf.newaxis]) & (places < (start + width)[:, tf.newaxis])
