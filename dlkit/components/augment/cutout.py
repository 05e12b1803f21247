"""Cutout: a square of every image is hidden."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.draws import uniform
from dlkit.errors import InputError


def cutout(
    images: Any, masks: Any, seeds: Any, *, size: Annotated[int, Field(gt=0)], fill_value: float = 0
) -> tuple[Any, Any]:
    """Fill a random square of every image, so that no class depends on one detail (DeVries, 2017, arXiv 1708.04552).

    images: (n, height, width, channels), any numeric type, in the source's value range (0 to 255 for pictures, where a
    `fill_value` of 128 is grey); seeds: int32 (n, 2), one pair per image. size: side of the square in pixels. Its
    centre is a uniformly drawn pixel, so part of it may lie outside the image. masks: label images, returned unchanged
    (hidden pixels must be inferred from their surroundings), or None. Returns images of the same shape and type, and
    masks.
    """
    centres = uniform(seeds, 2)
    rows, columns = (_hidden(centres[:, axis], tf.shape(images)[axis + 1], size) for axis in (0, 1))
    hidden = rows[:, :, tf.newaxis, tf.newaxis] & columns[:, tf.newaxis, :, tf.newaxis]
    return tf.where(hidden, _filling(fill_value, tf.as_dtype(images.dtype)), images), masks


def _filling(value: float, dtype: Any) -> Any:
    """Return the fill value in the images' type; raise InputError when it is not a value of that type."""
    fits = dtype.is_floating or (float(value).is_integer() and dtype.min <= value <= dtype.max)
    if not fits:
        raise InputError(
            f"cutout: fill_value is {value:g}, but the images are {dtype.name}",
            f"use a whole number from {dtype.min} to {dtype.max}",
        )
    return tf.cast(value, dtype)


def _hidden(centre: Any, length: Any, size: int) -> Any:
    """Return bool (n, length): which pixels along an axis lie in the square; centre: float32 (n,) from [0, 1)."""
    pixel = tf.minimum(tf.cast(centre * tf.cast(length, tf.float32), tf.int32), length - 1)  # rounding can give length
    first = pixel[:, tf.newaxis] - size // 2
    places = tf.range(length)
    return (places >= first) & (places < first + size)
