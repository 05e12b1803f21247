"""CutMix: a box of every image is replaced by that of another image."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.draws import uniform
from dlkit.interfaces.augment import takes


@takes(others=True)
def cutmix(
    images: Any, others: Any, seeds: Any, *, probability: Annotated[float, Field(gt=0, le=1)] = 0.5
) -> tuple[Any, Any]:
    """Replace a box of every image by that of another image in the batch and mix the targets by area (Yun, 2019).

    "CutMix", arXiv 1905.04899, with alpha 1: the box covers a share of the image drawn uniformly from 0 to 1, has the
    image's aspect ratio and a uniformly drawn centre, and is clipped at the edges. images, others:
    (n, height, width, channels) of one type; seeds: int32 (n, 2), one pair per image. probability: the chance that an
    image gets a box. Returns images of the same shape and type, and the share of each that comes from the other image,
    float32 (n,).
    """
    draws = uniform(seeds, 4)
    sides = tf.sqrt(draws[:, 0])
    rows, columns = (_inside(draws[:, axis], sides, tf.shape(images)[axis]) for axis in (1, 2))
    box = rows[:, :, tf.newaxis] & columns[:, tf.newaxis, :] & (draws[:, 3] < probability)[:, tf.newaxis, tf.newaxis]
    share = tf.reduce_mean(tf.cast(box, tf.float32), axis=(1, 2))
    return tf.where(box[..., tf.newaxis], others, images), share


def _inside(centre: Any, side: Any, length: Any) -> Any:
    """Return bool (n, length): which pixels along an axis lie in the box; centre and side: float32 (n,), as shares."""
    size = tf.cast(length, tf.float32)
    first, last = (tf.round(size * (centre + sign * side / 2)) for sign in (-1, 1))
    pixels = tf.range(size)
    return (pixels >= first[:, tf.newaxis]) & (pixels < last[:, tf.newaxis])
