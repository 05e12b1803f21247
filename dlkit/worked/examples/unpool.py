"""Deck 003: max-unpooling puts every maximum back to where it was."""

import numpy as np

from dlkit.worked.fixtures import POOLED_IMAGE
from dlkit.worked.numbers import Matrix
from dlkit.worked.result import Grid, Worked, image
from dlkit.worked.windows import check_positive, windows


def work(input: Matrix = POOLED_IMAGE, window: int = 2) -> Worked:
    """Max pooling that remembers the place of each maximum, and unpooling to those places with zeros elsewhere."""
    check_positive(window=window)
    picture = np.array(input, float)
    seen = windows(picture, (window, window), window)
    best = seen.reshape(*seen.shape[:2], -1).argmax(-1)
    rows = np.arange(seen.shape[0])[:, None] * window + best // window
    columns = np.arange(seen.shape[1])[None] * window + best % window
    unpooled = np.zeros_like(picture)
    unpooled[rows, columns] = picture[rows, columns]
    places = [
        [f"{r}, {c}" for r, c in zip(*pair, strict=True)] for pair in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    return Worked(
        f"Max pooling and unpooling with windows of {window}x{window}",
        (
            image("input", picture),
            image("max pooling", seen.max((2, 3))),
            Grid("row, column of each maximum", places),
            image("unpooled", unpooled),
        ),
        notes=("of equal values in a window, the first one in reading order is the maximum",),
    )
