"""Decode and resize images, so that training, predict and the exported graph get the same pixels."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.interfaces.data import Resizer
from dlkit.safety.files import require_file
from dlkit.safety.images import MAX_BYTES, MAX_PIXELS, declared_pixels


class ImageResizer:
    """Resizes images (..., height, width, channels) to one size, as specified by data.resize.

    Values keep their type and range: those of integers are rounded, those of floats are not. The arithmetic is float32.
    """

    def __init__(
        self, height: int, width: int, interpolation: str, crop_to_aspect_ratio: bool, antialias: bool = False
    ) -> None:
        self.size = (height, width)
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.antialias = antialias
        self.key = f"{height}x{width} {interpolation} crop={crop_to_aspect_ratio} antialias={antialias}"

    def of_labels(self) -> "ImageResizer":
        """Return the same resizing with nearest-neighbour interpolation, for masks of labels."""
        return ImageResizer(*self.size, "nearest", self.crop_to_aspect_ratio)

    def __call__(self, images: Any) -> Any:
        """Return resized images of the same dtype; a NumPy array gives a NumPy array."""
        resized = keras.ops.image.resize(
            tf.cast(images, "float32"),
            self.size,
            interpolation=self.interpolation,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            antialias=self.antialias,
            data_format="channels_last",
        )
        pixels = nearest(resized, images.dtype)
        return pixels.numpy() if isinstance(images, np.ndarray) else pixels


def nearest(values: Any, dtype: Any) -> Any:
    """Return float values in another dtype: the nearest integers, which never wrap, or floats."""
    dtype = tf.as_dtype(dtype)
    if not dtype.is_integer:
        return tf.cast(values, dtype)
    # tf.saturate_cast makes the maximum of 64-bit integers, which no float represents, their minimum.
    return tf.where(
        values >= float(dtype.max), tf.constant(dtype.max, dtype), tf.saturate_cast(tf.round(values), dtype)
    )


def decode(encoded: Any, channels: int) -> Any:
    """Decode a JPEG, PNG, GIF (first frame) or BMP string to uint8 (height, width, channels), also in graphs."""
    return tf.io.decode_image(encoded, channels=channels, expand_animations=False)


def read_image(path: Path, channels: int, resize: Resizer | None = None) -> np.ndarray:
    """Return an image file as uint8 (height, width, channels), resized; raise InputError if it is unreadable."""
    try:
        pixels: np.ndarray = _reader(channels, resize)(tf.constant(_checked_bytes(path))).numpy()
        return pixels
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except tf.errors.InvalidArgumentError as error:
        raise _unreadable(path) from error


@lru_cache(maxsize=8)
def _reader(channels: int, resize: Resizer | None) -> Callable[[Any], Any]:
    """Return the graph from bytes to pixels; eager operations would be slower and would block other threads."""

    def read(encoded: Any) -> Any:
        pixels = decode(encoded, channels)
        return resize(pixels) if resize else pixels

    graph: Callable[[Any], Any] = tf.function(read, [tf.TensorSpec((), tf.string)], autograph=False)
    return graph


def _unreadable(path: Path) -> InputError:
    return InputError(f"{path} is not a readable image", "use JPEG, PNG, GIF or BMP; remove or replace the file")


def _checked_bytes(path: Path) -> bytes:
    """Return the bytes of an image file; raise InputError if it is too large or declares too many pixels."""
    require_file(path)
    if path.stat().st_size > MAX_BYTES:
        size = path.stat().st_size
        raise InputError(f"{path} has {size:,} bytes, but at most {MAX_BYTES:,} are allowed", "make the file smaller")
    encoded = path.read_bytes()
    pixels = declared_pixels(encoded)
    if pixels is None:
        raise _unreadable(path)
    if pixels > MAX_PIXELS:
        raise InputError(
            f"{path} declares {pixels:,} pixels, but at most {MAX_PIXELS:,} are allowed",
            "make the image smaller, or remove the file",
        )
    return encoded
