"""Decode JPEG and PNG inside a TensorFlow graph, for training, prediction and exported models alike."""

from typing import Any

import tensorflow as tf

from dlkit.media.orientation import in_jpeg, in_png, orientation, upright
from dlkit.safety.images import JPEG, MAX_PIXELS, PNG

_LUMA = (19595, 38470, 7471)  # ITU-R BT.601 in units of 1/65536, as Pillow has it
_DEPTH, _WIDTH = 24, 16  # places in a PNG header


def is_graph_format(encoded: bytes) -> bool:
    """Return whether `decode` reads the format."""
    return encoded.startswith((JPEG, PNG))


def decode(encoded: Any, channels: int) -> Any:
    """Decode a JPEG or PNG string to uint8 (height, width, channels) as a viewer shows it, channels 1 or 3.

    Everything else, more than 8 bits per channel and too many pixels raise InvalidArgumentError when the graph runs.
    """
    is_jpeg = tf.strings.substr(encoded, 0, len(JPEG)) == JPEG
    is_png = tf.strings.substr(encoded, 0, len(PNG)) == PNG
    known = tf.debugging.Assert(is_jpeg | is_png, ["the image is neither JPEG nor PNG"])
    data = tf.io.decode_raw(encoded, tf.uint8)
    with tf.control_dependencies([known]):
        pixels, exif = tf.cond(
            is_jpeg,
            lambda: (_jpeg(encoded), in_jpeg(encoded, data)),
            lambda: _png(encoded, data),
        )
    return coloured(upright(pixels, orientation(data, exif)), channels)


def coloured(pixels: Any, channels: int) -> Any:
    """Return colours uint8 (height, width, 3) as they are, or as luma uint8 (height, width, 1)."""
    if channels == 3:
        return pixels
    weighted = tf.reduce_sum(tf.cast(pixels, tf.int32) * tf.constant(_LUMA), axis=-1, keepdims=True)
    return tf.cast(tf.bitwise.right_shift(weighted + 0x8000, 16), tf.uint8)


def _jpeg(encoded: Any) -> Any:
    with tf.control_dependencies(_bounded(tf.io.extract_jpeg_shape(encoded, tf.int64)[:2])):
        return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def _png(encoded: Any, data: Any) -> tuple[Any, Any]:
    """Return colours, on white where they are transparent, and where the EXIF data starts.

    Only four channels keep what is transparent, and they are wrong for opaque images of fewer than 8 bits.
    """
    exif, has_transparent_colour = in_png(encoded, data)
    size = tf.io.decode_raw(tf.strings.substr(encoded, _WIDTH, 8), tf.int32, little_endian=False)
    depth, kind = data[_DEPTH : _DEPTH + 1], data[_DEPTH + 1 : _DEPTH + 2]
    shallow = tf.debugging.Assert(tf.reduce_all(depth <= 8), ["the image has 16 bits per channel, but images have 8"])
    has_alpha = has_transparent_colour | tf.reduce_any(tf.bitwise.bitwise_and(kind, 4) == 4)
    with tf.control_dependencies([shallow, *_bounded(tf.cast(size, tf.int64))]):
        pixels = tf.cond(
            has_alpha,
            lambda: _on_white(tf.io.decode_png(encoded, channels=4)),
            lambda: tf.io.decode_png(encoded, channels=3),
        )
    return pixels, exif


def _on_white(pixels: Any) -> Any:
    wide = tf.cast(pixels, tf.int32)
    colours, alpha = wide[..., :3], wide[..., 3:]
    return tf.cast((colours * alpha + 255 * (255 - alpha) + 127) // 255, tf.uint8)


def _bounded(size: Any) -> list[Any]:
    """Return the check that height times width, both of `size` (2,), is decodable."""
    text = f"the image declares more than {MAX_PIXELS:,} pixels"
    return [tf.debugging.Assert(tf.reduce_prod(size) <= MAX_PIXELS, [text])]
