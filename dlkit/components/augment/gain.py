"""Random loudness of recordings."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.draws import uniform
from dlkit.interfaces.augment import takes


@takes(images=False, recordings=True)
def gain(recordings: Any, masks: Any, seeds: Any, *, decibels: Annotated[float, Field(gt=0)] = 6.0) -> tuple[Any, Any]:
    """Make every recording louder or softer by up to so many decibels; all values in dB are equally likely.

    recordings: float32 (n, samples), NaN after the end of each; seeds: int32 (n, 2), one pair per recording. Values
    beyond -1 and 1 are kept. Returns recordings of the same shape, and the masks.
    """
    exponent = decibels / 20 * (2 * uniform(seeds, 1) - 1)
    return recordings * tf.pow(10.0, exponent), masks
