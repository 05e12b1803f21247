"""Random crops of padded images."""

from typing import Annotated, Any, Literal

import tensorflow as tf
from pydantic import Field

from dlkit.draws import uniform
from dlkit.interfaces.data import VOID


def random_crop(
    images: Any,
    masks: Any,
    seeds: Any,
    *,
    padding: Annotated[int, Field(gt=0)] = 4,
    fill_mode: Literal["constant", "nearest", "reflect"] = "reflect",
) -> tuple[Any, Any]:
    """Pad every image and crop it back to its size at a random position (He, 2016, section 4.2).

    This shifts images by whole pixels, so nothing is resampled. images: (n, height, width, channels), any numeric type;
    seeds: int32 (n, 2), one pair per image. masks: label images (n, height, width), shifted along (VOID where
    `constant` fills), or None. padding: pixels added on every side; all shifts from -padding to padding are equally
    likely. fill_mode: fill the border with 0, the repeated edge, or the image mirrored at its edge. Returns images and
    masks of the same shapes and types.
    """
    draws = uniform(seeds, 2)
    for axis in (1, 2):
        length = tf.shape(images)[axis]
        shift = tf.minimum(tf.cast(draws[:, axis - 1] * (2 * padding + 1), tf.int32), 2 * padding) - padding
        places = shift[:, tf.newaxis] + tf.range(length)
        inside = _inside(places, length, fill_mode)
        images = _moved(images, places, inside, axis, 0, fill_mode)
        if masks is not None:
            masks = _moved(masks, places, inside, axis, VOID, fill_mode)
    return images, masks


def _inside(places: Any, length: Any, fill_mode: str) -> Any:
    """Return the image pixel for every position along an axis, including positions outside the image."""
    if fill_mode == "reflect":
        places = (length - 1) - tf.abs((length - 1) - tf.abs(places))
    return tf.clip_by_value(places, 0, length - 1)


def _moved(images: Any, places: Any, inside: Any, axis: int, fill: int, fill_mode: str) -> Any:
    moved = tf.gather(images, inside, axis=axis, batch_dims=1)
    if fill_mode != "constant":
        return moved
    shape = [-1 if here == axis else tf.shape(images)[0] if here == 0 else 1 for here in range(len(images.shape))]
    return tf.where(tf.reshape(places == inside, shape), moved, tf.cast(fill, images.dtype))
