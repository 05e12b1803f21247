"""Windows that move over an image, as convolution and pooling share them."""

import numpy as np

from dlkit.errors import InputError


def check_positive(**settings: int) -> None:
    """Raise InputError for a setting below 1."""
    for name, value in settings.items():
        if value < 1:
            raise InputError(f"{name} is {value}", f"{name} is a whole number of at least 1")


def padded(image: np.ndarray, zeros: int) -> np.ndarray:
    """Return an image with zeros on each side."""
    if not 0 <= zeros <= 1000:
        raise InputError(f"padding is {zeros}", "padding is a number of zeros on each side, at least 0")
    return np.pad(image, zeros)


def windows(image: np.ndarray, size: tuple[int, int], stride: int) -> np.ndarray:
    """Return the windows (rows, columns, *size) of an image; raise InputError if they do not fill it exactly."""
    check_positive(stride=stride)
    for pixels, width in zip(image.shape, size, strict=True):
        if width > pixels or (pixels - width) % stride:
            steps = f"({pixels} - {width})/{stride} + 1 = {(pixels - width) / stride + 1:.4g}"
            raise InputError(
                f"a window of {width} with a stride of {stride} does not fill {pixels} pixels: {steps}",
                "choose stride, padding and input so that this is a whole number of at least 1",
            )
    return np.lib.stride_tricks.sliding_window_view(image, size)[::stride, ::stride]
