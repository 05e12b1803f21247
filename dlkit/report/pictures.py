"""Turn arrays and the pictures of a run into images inside a page."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from dlkit.errors import DlkitError
from dlkit.figures.images import displayed, is_image
from dlkit.safety.images import checked_image

SHORTEST, LONGEST = 56, 160
"""Small images are enlarged to SHORTEST pixels, large ones reduced to LONGEST: a page shows 72."""


def data_uri(encoded: bytes) -> str:
    """Return a PNG as an address that contains it."""
    return f"data:image/png;base64,{base64.b64encode(encoded).decode()}"


def picture(image: np.ndarray) -> str | None:
    """Return an image (height, width, channels) as a data URI; None for other arrays.

    Values other than uint8 are scaled from their lowest to their highest.
    """
    if not is_image(image.shape) or image.dtype.kind not in "uifb":
        return None
    shown = np.nan_to_num(np.asarray(displayed(image), np.float64))
    pixels = shown if image.dtype == np.uint8 else 255 * shown
    encoded = io.BytesIO()
    made = Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
    made.thumbnail((LONGEST, LONGEST))
    factor = max(1, min(SHORTEST // min(made.size), LONGEST // max(made.size)))
    made.resize((made.width * factor, made.height * factor), Image.Resampling.NEAREST).save(encoded, "PNG")
    return data_uri(encoded.getvalue())


def stored_picture(path: Path) -> str | None:
    """Return a PNG file of a run as a data URI, None for a file that is no readable PNG."""
    try:
        encoded = checked_image(path)
    except DlkitError:
        return None
    return data_uri(encoded) if encoded.startswith(b"\x89PNG\r\n\x1a\n") else None
