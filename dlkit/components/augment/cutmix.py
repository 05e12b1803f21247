"""A box of another image."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.draws import uniform
from dlkit.interfaces.augment import takes


@takes(others=True)
def cutmix(
    images: Any, others: Any, seeds: Any, *, probability: Annotated[float, Field(gt=0, le=1)] = 0.5
) -> tuple[Any, Any]:
    """A box of every image becomes that of another image of the batch, and the target its mean by area (Yun, 2019).

    "CutMix", arXiv 1905.04899, with alpha 1: the box has a share of the image that is drawn from 0 to 1, the image's
    own proportions, and its centre anywhere; what lies outside is cut off. images, others: (n, height, width, channels)
    of one type; seeds: int32 (n, 2), one pair per image. probability: that an image gets a box at all. Returns images
    of the same shape and type, and the share of each that is the other one's, float32 (n,).
    """
    draws = uniform(seeds, 4)
    sides = tf.sqrt(draws[:, 0])
    rows, columns = (_inside(draws[:, axis], sides, tf.shape(images)[axis]) for axis in (1, 2))
    box = rows[:, :, tf.newaxis] & columns[:, tf.newaxis, :] & (draws[:, 3] < probability)[:, tf.newaxis, tf.newaxis]
    share = tf.reduce_mean(tf.cast(box, tf.float32), axis=(1, 2))
    return tf.where(box[..., tf.newaxis], others, images), share


def _inside(centre: Any, side: Any, length: Any) -> Any:
    """Which pixels along an axis lie in the box; centre and side: float32 (n,), as shares. Returns bool (n, length)."""
    size = tf.cast(length, tf.float32)
    first, last = (tf.round(size * (centre + sign * side / 2)) for sign in (-1, 1))
    pixels = tf.range(size)
    return (pixels >= first[:, tf.newaxis]) & (pixels < last[:, tf.newaxis])
