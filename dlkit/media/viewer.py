"""Decode the formats that TensorFlow does not decode as a viewer does, with Pillow: GIF, BMP and WebP."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from dlkit.safety.images import MAX_PIXELS

FORMATS = ("GIF", "BMP", "WEBP")

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # larger images are refused by their headers before


def shown(encoded: bytes) -> np.ndarray:
    """Return the first frame upright and on white, uint8 (height, width, 3); raise ValueError for a damaged image."""
    try:
        with Image.open(BytesIO(encoded), formats=FORMATS) as image:
            upright = ImageOps.exif_transpose(image)
            pixels: np.ndarray = np.asarray(_on_white(upright))
            return pixels
    except Exception as error:  # the parsers of the formats raise many kinds of errors for damaged bytes
        raise ValueError(str(error)) from error


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
