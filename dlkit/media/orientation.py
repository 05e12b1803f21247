"""Turn images upright as their EXIF orientation says, inside a TensorFlow graph.

EXIF 2.3, JEITA CP-3451C: a TIFF header follows the bytes "Exif\\0\\0" of a JPEG's APP1 segment, or starts a PNG's eXIf
chunk; entry 0x0112 of its first directory is a number from 1 to 8.
"""

from typing import Any

import tensorflow as tf

_TAG = 0x0112
_ENTRY = 12
_APP1, _SCAN = 0xE1, 0xDA


def orientation(data: Any, start: Any) -> Any:
    """Return the EXIF orientation in the bytes uint8 (n,) of an image whose TIFF header is at `start`, from 1 to 8.

    It is 1 where it is damaged, or missing (`start` is below 0).
    """
    return tf.cond(start < 0, lambda: tf.constant(1), lambda: _in_tiff(data[start:]))


def upright(pixels: Any, number: Any) -> Any:
    """Return an image (height, width, channels) turned and mirrored as its EXIF orientation says."""

    def turned() -> Any:
        image = tf.transpose(pixels, tf.where(number >= 5, (1, 0, 2), (0, 1, 2)))
        return image[:: _backwards(number, 3, 4, 7, 8), :: _backwards(number, 2, 3, 6, 7)]

    image = tf.cond(number == 1, lambda: pixels, turned)
    return tf.ensure_shape(image, (None, None, pixels.shape[-1]))


def _backwards(number: Any, *numbers: int) -> Any:
    """Return the step -1 if `number` is one of the numbers, else 1."""
    return tf.where(tf.reduce_any(number == tf.constant(numbers)), -1, 1)


def in_jpeg(encoded: Any, data: Any) -> Any:
    """Return where the TIFF header of a JPEG's EXIF segment starts, -1 if there is none before the first scan."""

    def more(at: Any, found: Any) -> Any:
        last = tf.size(data) - 1
        marker, kind = (data[tf.minimum(place, last)] for place in (at, at + 1))
        return (found < 0) & (at + 10 <= last) & (marker == 0xFF) & (kind != _SCAN)

    def step(at: Any, found: Any) -> Any:
        exif = (data[at + 1] == _APP1) & (tf.strings.substr(encoded, at + 4, 6) == b"Exif\0\0")
        length = tf.where(data[at + 1] == 0xFF, 1, 2 + _number(data, at + 2, 2, little=False))
        return at + length, tf.where(exif, at + 10, found)

    return tf.while_loop(more, step, (tf.constant(2), tf.constant(-1)))[1]


def in_png(encoded: Any, data: Any) -> tuple[Any, Any]:
    """Return where the content of a PNG's eXIf chunk starts, -1 without one, and whether it has a tRNS chunk."""

    def more(at: Any, found: Any, transparent: Any) -> Any:
        return (at >= 8) & (at + 12 <= tf.size(data))

    def step(at: Any, found: Any, transparent: Any) -> Any:
        name = tf.strings.substr(encoded, at + 4, 4)
        length = 12 + _number(data, at, 4, little=False)
        return at + tf.maximum(length, 12), tf.where(name == b"eXIf", at + 8, found), transparent | (name == b"tRNS")

    _, exif, transparent = tf.while_loop(more, step, (tf.constant(8), tf.constant(-1), tf.constant(False)))
    return exif, transparent


def _in_tiff(data: Any) -> Any:
    """Return the orientation in a TIFF structure uint8 (n,), 1 if it is missing or damaged."""
    data = tf.concat([data[: 1 << 16], tf.zeros(2, tf.uint8)], 0)  # longer than a segment can be
    little = data[0] == ord("I")
    directory = tf.clip_by_value(_number(data, 4, 4, little), 0, tf.size(data) - 2)
    room = tf.maximum(0, (tf.size(data) - 2 - directory) // _ENTRY)
    count = tf.minimum(_number(data, directory, 2, little), room)
    entries = tf.reshape(data[directory + 2 : directory + 2 + count * _ENTRY], (-1, _ENTRY))
    tags, values = (_numbers(entries[:, at : at + 2], little) for at in (0, 8))
    value = tf.reduce_max(tf.where(tags == _TAG, values, 0))
    return tf.where((value >= 1) & (value <= 8), value, 1)


def _number(data: Any, at: Any, size: int, little: Any) -> Any:
    """Return the unsigned number of `size` bytes at a place as int32; zeros continue the data."""
    part = data[at : at + size]
    padded = tf.pad(part, [[0, size - tf.size(part)]])
    return _numbers(tf.reshape(padded, (1, size)), little)[0]


def _numbers(parts: Any, little: Any) -> Any:
    """Return the numbers of rows of bytes (n, size) as int32 (n,)."""
    size = parts.shape[-1]
    up = tf.constant([1 << 8 * place for place in range(size)], tf.int64)
    weights = tf.where(little, up, up[::-1])
    return tf.cast(tf.reduce_sum(tf.cast(parts, tf.int64) * weights, axis=-1), tf.int32)
