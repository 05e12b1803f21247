"""Decks 000 and 004: the largest, smallest and mean value of each window."""

import numpy as np

from dlkit.worked.fixtures import POOLED_IMAGE
from dlkit.worked.numbers import Matrix
from dlkit.worked.result import Worked, image
from dlkit.worked.windows import check_positive, windows


def work(input: Matrix = POOLED_IMAGE, window: int = 2, stride: int | None = None) -> Worked:
    """Max, min and average pooling of an image; stride: that of the window, by default its size."""
    check_positive(window=window)
    picture = np.array(input, float)
    seen = windows(picture, (window, window), stride or window)
    return Worked(
        f"Pooling with windows of {window}x{window} and a stride of {stride or window}: no parameters",
        (
            image("input", picture),
            image("max", seen.max((2, 3))),
            image("min", seen.min((2, 3))),
            image("average", seen.mean((2, 3))),
        ),
    )
