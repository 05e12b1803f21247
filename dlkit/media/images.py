"""One decoder and one resizer for every image, so that training, predict and the exported graph see the same pixels."""

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
    """Resizes images (..., height, width, channels) to one size in uint8, as the recipe's data.resize says."""

    def __init__(
        self, height: int, width: int, interpolation: str, crop_to_aspect_ratio: bool, antialias: bool = False
    ) -> None:
        self.size = (height, width)
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.antialias = antialias
        self.key = f"{height}x{width} {interpolation} crop={crop_to_aspect_ratio} antialias={antialias}"

    def of_labels(self) -> "ImageResizer":
        """The same resizing for masks of labels, which has no values between them: nearest neighbours."""
        return ImageResizer(*self.size, "nearest", self.crop_to_aspect_ratio)

    def __call__(self, images: Any) -> Any:
        """Resized images in uint8, rounded; a NumPy array stays one."""
        resized = keras.ops.image.resize(
            tf.cast(images, "float32"),
            self.size,
            interpolation=self.interpolation,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            antialias=self.antialias,
            data_format="channels_last",
        )
        pixels = tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), "uint8")
        return pixels.numpy() if isinstance(images, np.ndarray) else pixels


def decode(encoded: Any, channels: int) -> Any:
    """A JPEG, PNG, GIF (first frame) or BMP string as uint8 (height, width, channels), also inside a graph."""
    return tf.io.decode_image(encoded, channels=channels, expand_animations=False)


def read_image(path: Path, channels: int, resize: Resizer | None = None) -> np.ndarray:
    """The image in a file as uint8 (height, width, channels), resized; an unreadable one is an error that names it."""
    try:
        pixels: np.ndarray = _reader(channels, resize)(tf.constant(_checked_bytes(path))).numpy()
        return pixels
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except tf.errors.InvalidArgumentError as error:
        raise _unreadable(path) from error


@lru_cache(maxsize=8)
def _reader(channels: int, resize: Resizer | None) -> Callable[[Any], Any]:
    """Bytes to pixels as one graph: operation by operation from Python takes longer, and threads wait in line."""

    def read(encoded: Any) -> Any:
        pixels = decode(encoded, channels)
        return resize(pixels) if resize else pixels

    graph: Callable[[Any], Any] = tf.function(read, [tf.TensorSpec((), tf.string)], autograph=False)
    return graph


def _unreadable(path: Path) -> InputError:
    return InputError(f"{path} is no readable image", "JPEG, PNG, GIF and BMP are read; remove or replace it")


def _checked_bytes(path: Path) -> bytes:
    """The bytes of an image file whose header declares no more pixels than anyone photographs."""
    require_file(path)
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path} has {path.stat().st_size:,} bytes, an image at most {MAX_BYTES:,}", "make it smaller")
    encoded = path.read_bytes()
    pixels = declared_pixels(encoded)
    if pixels is None:
        raise _unreadable(path)
    if pixels > MAX_PIXELS:
        raise InputError(
            f"{path} declares {pixels:,} pixels, at most {MAX_PIXELS:,} are decoded",
            "make the picture smaller, or remove it",
        )
    return encoded
