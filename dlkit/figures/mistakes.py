"""The worst mistakes of a classifier: what is shown of them, and a figure of those that are images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.images import displayed
from dlkit.figures.style import house_style, label

ROWS, COLUMNS = 2, 5
SHOWN = ROWS * COLUMNS
LETTERS = 300


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction: number of the example in its split, raw input, both classes, the wrong one's probability."""

    number: int
    example: Any
    truth: str
    predicted: str
    probability: float


def are_texts(inputs: np.ndarray) -> bool:
    """Return whether raw inputs (n, ...) are texts, one for each example."""
    return inputs.ndim == 1 and inputs.dtype.kind in "OSU"


def shown_examples(inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Return raw inputs (k, ...) by what they are shown as: `text` (k,), UTF-8 cut to LETTERS, or `image` (k, ...)."""
    if not are_texts(inputs):
        return {"image": inputs}
    texts = [raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw) for raw in inputs]
    return {"text": np.array([text if len(text) <= LETTERS else f"{text[:LETTERS]}..." for text in texts], dtype=str)}


@house_style
def mistakes_figure(mistakes: Sequence[Mistake], wrong: int, examples: int) -> Figure:
    """Return a figure of up to SHOWN mistakes in images, worst first, of `wrong` ones among a number of examples."""
    figure = Figure()
    shown = f"the {len(mistakes)} surest of {wrong:,}" if len(mistakes) < wrong else f"all {wrong:,}"
    figure.suptitle(f"Wrong predictions: {shown if wrong else 'none'} in {examples:,} examples")
    grid = figure.subplots(ROWS, COLUMNS).flat
    for axes in grid:
        axes.set_axis_off()
    for axes, mistake in zip(figure.axes, mistakes, strict=False):
        axes.imshow(displayed(mistake.example), cmap="gray", **_grey_range(mistake.example))
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
