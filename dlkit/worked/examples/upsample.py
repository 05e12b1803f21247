"""Deck 003: enlarge an image by its nearest pixels, or by bilinear interpolation."""

import numpy as np

from dlkit.worked.fixtures import SMALL_IMAGE
from dlkit.worked.numbers import Matrix
from dlkit.worked.result import Worked, image
from dlkit.worked.windows import check_positive


def work(input: Matrix = SMALL_IMAGE, factor: int = 2) -> Worked:
    """An image enlarged by a whole factor: nearest pixels, and bilinear between the centres of pixels."""
    check_positive(factor=factor)
    picture = np.array(input, float)
    down, across = (_between(side, factor) for side in picture.shape)
    return Worked(
        f"Upsampling by {factor}: no parameters",
        (
            image("input", picture),
            image("nearest", picture.repeat(factor, 0).repeat(factor, 1)),
            image("bilinear", down @ picture @ across.T),
        ),
        notes=(
            "an output pixel i lies at (i + 1/2)/factor - 1/2 of the input; beyond the border the last pixel counts",
        ),
    )


def _between(side: int, factor: int) -> np.ndarray:
    """Return the matrix (side * factor, side) of linear interpolation between the centres of pixels."""
    places = np.clip((np.arange(side * factor) + 0.5) / factor - 0.5, 0, side - 1)
    return np.maximum(1 - abs(places[:, None] - np.arange(side)), 0)
