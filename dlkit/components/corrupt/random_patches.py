"""Hidden square patches, for masked autoencoders."""

from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from dlkit.draws import uniform_field
from dlkit.errors import InputError


def random_patches(
    inputs: Any,
    seeds: Any,
    *,
    patch_size: Annotated[int, Field(gt=0)] = 4,
    share: Annotated[float, Field(gt=0, lt=1)] = 0.75,
) -> tuple[Any, Any]:
    """Hide a share of each image's square patches by setting them to 0; the loss counts only the hidden pixels.

    inputs: (n, height, width, channels), any numeric type; seeds: int32 (n, 2). Every image loses the same number of
    patches, the share rounded to whole patches. Returns images of the same type and the mask, float32
    (n, height, width) with 1 where a pixel is hidden. Raises InputError if patches do not tile the image.
    """
    rows, columns = _tiles(inputs, patch_size)
    draws = uniform_field(seeds, rows * columns)
    place = tf.argsort(tf.argsort(draws, axis=1), axis=1)
    hidden = tf.cast(place < round(share * rows * columns), tf.float32)
    mask = tf.reshape(hidden, [-1, rows, columns])
    mask = tf.repeat(tf.repeat(mask, patch_size, axis=1), patch_size, axis=2)
    mask = tf.ensure_shape(mask, [None, *inputs.shape[1:3]])
    return tf.where(mask[..., tf.newaxis] == 1, tf.zeros_like(inputs), inputs), mask


def _tiles(inputs: Any, patch_size: int) -> tuple[int, int]:
    """Return the number of rows and columns of patches in an image."""
    shape = list(inputs.shape[1:])
    if len(shape) != 3 or None in shape or shape[0] % patch_size or shape[1] % patch_size:
        raise InputError(
            f"random_patches: patches of {patch_size} x {patch_size} do not tile inputs of shape {shape}",
            "choose a patch_size that divides height and width, or give all images one size with data.resize",
        )
    return shape[0] // patch_size, shape[1] // patch_size
