"""A square of the image is hidden."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.draws import uniform


def cutout(
    images: Any, masks: Any, seeds: Any, *, size: Annotated[int, Field(gt=0)], fill_value: float = 0
) -> tuple[Any, Any]:
    """`fill_value` in a square of every image, so that no class hangs on one detail (DeVries, 2017, arXiv 1708.04552).

    images: (n, height, width, channels), any number type, as the source gives them (0 to 255 for pictures, where 128
    is grey); seeds: int32 (n, 2), one pair per image. size: the square's side in pixels. Its centre may be any pixel,
    all equally likely, so at the image's edge a part of it falls outside. masks: label images, which stay whole (what
    is hidden is to be told from what surrounds it), or None. Returns images of the same shape and type, and masks.
    """
    centres = uniform(seeds, 2)
    rows, columns = (_hidden(centres[:, axis], tf.shape(images)[axis + 1], size) for axis in (0, 1))
    hidden = rows[:, :, tf.newaxis, tf.newaxis] & columns[:, tf.newaxis, :, tf.newaxis]
    return tf.where(hidden, tf.cast(fill_value, images.dtype), images), masks


def _hidden(centre: Any, length: Any, size: int) -> Any:
    """Which places along an axis lie in the square; centre: float32 (n,) from [0, 1). Returns bool (n, length)."""
    pixel = tf.minimum(tf.cast(centre * tf.cast(length, tf.float32), tf.int32), length - 1)  # rounded up, it is length
    first = pixel[:, tf.newaxis] - size // 2
    places = tf.range(length)
    return (places >= first) & (places < first + size)
