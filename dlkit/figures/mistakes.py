"""Plot the worst mistakes of a classifier: images whose wrong class got the highest probability."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.images import displayed
from dlkit.figures.style import house_style, label

ROWS, COLUMNS = 2, 5
SHOWN = ROWS * COLUMNS


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction: number of the example in its split, image, both classes, the wrong one's probability."""

    number: int
    image: np.ndarray
    truth: str
    predicted: str
    probability: float


@house_style
def mistakes_figure(mistakes: Sequence[Mistake], wrong: int, examples: int) -> Figure:
    """Return a figure of up to SHOWN mistakes, worst first, of `wrong` ones among a number of examples."""
    figure = Figure()
    shown = f"the {len(mistakes)} surest of {wrong:,}" if len(mistakes) < wrong else f"all {wrong:,}"
    figure.suptitle(f"Wrong predictions: {shown if wrong else 'none'} in {examples:,} examples")
    grid = figure.subplots(ROWS, COLUMNS).flat
    for axes in grid:
        axes.set_axis_off()
    for axes, mistake in zip(figure.axes, mistakes, strict=False):
        axes.imshow(displayed(mistake.image), cmap="gray", **_grey_range(mistake.image))
        lines = (
            f"true: {label(mistake.truth, 17)}",
            f"predicted: {label(mistake.predicted, 12)}",
            f"p = {mistake.probability:.3f}, example {mistake.number}",
        )
        axes.set_title("\n".join(lines), fontsize=13)
    return figure


def _grey_range(image: np.ndarray) -> dict[str, Any]:
    """Return the range of a grey image, so that a dark one stays dark."""
    return {"vmin": 0, "vmax": 255} if image.dtype == np.uint8 and image.max(initial=0) > 16 else {}
