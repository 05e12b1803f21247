"""Read and resize image files, so that training, predict and the exported graph get the pixels that a viewer shows."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.interfaces.data import Resizer
from dlkit.media.graph import coloured, decode, is_graph_format
from dlkit.media.viewer import shown
from dlkit.safety.images import checked_image, declared_pixels, deep_pixels, unreadable_image

LARGE_PIXELS = 25_000_000
_one_large = threading.Lock()  # several large images decoded at once would fill the memory


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


def read_image(path: Path, channels: int, resize: Resizer | None = None) -> np.ndarray:
    """Return an image file as uint8 (height, width, channels), resized; raise InputError if it is unreadable.

    Pixels are those that a viewer shows: the first frame, upright as its EXIF orientation says, transparent parts on
    white. One channel is the luma of ITU-R BT.601.
    """
    try:
        encoded = _checked(path)
        with _one_large if (declared_pixels(encoded) or 0) > LARGE_PIXELS else nullcontext():
            if is_graph_format(encoded):
                pixels: np.ndarray = _decoder(channels, resize)(tf.constant(encoded)).numpy()
            else:
                pixels = _resizer(channels, resize)(tf.constant(shown(encoded))).numpy()
            return pixels
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (tf.errors.InvalidArgumentError, ValueError) as error:
        raise unreadable_image(path, "it is damaged or incomplete") from error


def _checked(path: Path) -> bytes:
    """Return the bytes of an image of at most 8 bits per channel."""
    encoded = checked_image(path)
    if bits := deep_pixels(encoded):
        raise InputError(
            f"{path} has {bits} bits per channel, but images have 8",
            "scale its values to 0 to 255 and save it with 8 bits, or keep all values in arrays: source arrays",
        )
    return encoded


@lru_cache(maxsize=8)
def _decoder(channels: int, resize: Resizer | None) -> Callable[[Any], Any]:
    """Return the graph from bytes to pixels; eager operations would be slower and would block other threads."""

    def read(encoded: Any) -> Any:
        pixels = decode(encoded, channels)
        return resize(pixels) if resize else pixels

    graph = tf.function(read, [tf.TensorSpec((), tf.string)], autograph=False)
    concrete: Callable[[Any], Any] = graph.get_concrete_function()  # threads that make one each get no warning
    return concrete


@lru_cache(maxsize=8)
def _resizer(channels: int, resize: Resizer | None) -> Callable[[Any], Any]:
    """Return the graph from the pixels (height, width, 3) that a viewer shows to those of the network."""

    def read(pixels: Any) -> Any:
        pixels = coloured(pixels, channels)
        return resize(pixels) if resize else pixels

    graph = tf.function(read, [tf.TensorSpec((None, None, 3), tf.uint8)], autograph=False)
    concrete: Callable[[Any], Any] = graph.get_concrete_function()
    return concrete
