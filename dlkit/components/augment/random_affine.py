"""Random flip, shift, rotation and zoom as one affine resampling per image."""

from typing import Annotated, Any, Literal

import tensorflow as tf
from pydantic import Field

from dlkit.draws import uniform
from dlkit.interfaces.data import VOID


def random_affine(
    images: Any,
    masks: Any,
    seeds: Any,
    *,
    horizontal_flip: bool = False,
    vertical_flip: bool = False,
    rotation: Annotated[float, Field(ge=0, le=1)] = 0.0,
    shift: Annotated[float, Field(ge=0, le=1)] = 0.0,
    zoom: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    fill_mode: Literal["nearest", "reflect", "wrap", "constant"] = "nearest",
    interpolation: Literal["bilinear", "nearest"] = "bilinear",
) -> tuple[Any, Any]:
    """Apply random flip, shift, rotation and zoom, composed into one transform and resampled once.

    images: (n, height, width, channels), any numeric type; seeds: int32 (n, 2), one pair per image. masks: label images
    (n, height, width), transformed along by nearest-neighbour resampling (VOID where `constant` fills), or None.
    rotation: up to this fraction of a full turn either way; shift: up to this fraction of height and width;
    zoom: a common scale of height and width, drawn from [1 - zoom, 1 + zoom]. The parameters are those of
    keras.layers.RandomFlip, RandomTranslation, RandomRotation and RandomZoom, applied in this order.
    Returns float32 images of the same shape, and the masks in their own type.
    """
    height, width = tf.unstack(tf.cast(tf.shape(images)[1:3], tf.float32))
    draws = uniform(seeds, 6)
    flip_x, flip_y, angle, right, down, scale = tf.unstack(draws, axis=1)
    matrix = _scaled(
        tf.where(horizontal_flip & (flip_x < 0.5), -1.0, 1.0), tf.where(vertical_flip & (flip_y < 0.5), -1.0, 1.0)
    )
    matrix = matrix @ _shifted(_spread(right) * shift * width, _spread(down) * shift * height)
    matrix = matrix @ _rotated(_spread(angle) * rotation * 2 * 3.141592653589793)
    factor = 1 + _spread(scale) * zoom
    matrix = matrix @ _scaled(factor, factor)
    transforms = _about_centre(matrix, height, width)
    images = _resampled(images, transforms, interpolation, fill_mode, 0)
    if masks is None:
        return images, None
    moved = _resampled(masks[..., tf.newaxis], transforms, "nearest", fill_mode, VOID)
    return images, tf.cast(moved[..., 0], masks.dtype)


def _resampled(images: Any, transforms: Any, interpolation: str, fill_mode: str, fill_value: int) -> Any:
    """Resample each image (n, height, width, channels) by its projective transform; returns float32."""
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=float(fill_value),
        interpolation=interpolation.upper(),
        fill_mode=fill_mode.upper(),
    )


def _spread(uniform: Any) -> Any:
    """Map [0, 1) to [-1, 1)."""
    return 2 * uniform - 1


def _matrix(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """Return matrices (n, 3, 3) with rows [a b c], [d e f], [0 0 1], which map output to input pixels."""
    zero, one = tf.zeros_like(a), tf.ones_like(a)
    return tf.reshape(tf.stack([a, b, c, d, e, f, zero, zero, one], axis=1), [-1, 3, 3])


def _scaled(x: Any, y: Any) -> Any:
    zero = tf.zeros_like(x)
    return _matrix(x, zero, zero, zero, y, zero)


def _shifted(x: Any, y: Any) -> Any:
    one, zero = tf.ones_like(x), tf.zeros_like(x)
    return _matrix(one, zero, x, zero, one, y)


def _rotated(angle: Any) -> Any:
    zero = tf.zeros_like(angle)
    return _matrix(tf.cos(angle), -tf.sin(angle), zero, tf.sin(angle), tf.cos(angle), zero)


def _about_centre(matrix: Any, height: Any, width: Any) -> Any:
    """Return the first eight entries (n, 8) of the transform, with the origin moved to the image centre."""
    x, y = (width - 1) / 2, (height - 1) / 2
    centre = tf.stack([x, y, tf.ones_like(x)])
    offset = centre - tf.linalg.matvec(matrix, tf.stack([x, y, -tf.ones_like(x)]))
    a, b, c = matrix[:, 0, 0], matrix[:, 0, 1], offset[:, 0]
    d, e, f = matrix[:, 1, 0], matrix[:, 1, 1], offset[:, 1]
    zero = tf.zeros_like(a)
    return tf.stack([a, b, c, d, e, f, zero, zero], axis=1)
