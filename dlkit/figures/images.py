"""Prepare images of any kind of values for matplotlib."""

import numpy as np


def displayed(image: np.ndarray) -> np.ndarray:
    """Return an image (h, w, channels) for imshow: grey without its channel axis, and scaled to 0 to 1 unless uint8."""
    shown = image[..., 0] if image.shape[-1] == 1 else image[..., :3]
    if shown.dtype == np.uint8:
        return shown
    low, high = float(shown.min()), float(shown.max())
    scaled: np.ndarray = (shown - low) / max(high - low, 1e-12)
    return scaled


def is_image(shape: tuple[int, ...]) -> bool:
    """Return whether an array of this shape can be shown as a grey or a coloured image."""
    return len(shape) == 3 and shape[-1] in (1, 3)
