"""Draw attacked images: before and after, with the changed pixels marked, and both classes with their confidence."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

from dlkit.figures.style import COLOURS, house_style, label

ROWS, COLUMNS = 3, 5
SHOWN = ROWS * COLUMNS


@house_style
def attack_figure(result: Mapping[str, Any], folder: Path) -> Figure:
    """Return a figure of an attack's first attempts, successes before others, from the pictures in its folder."""
    attempts = sorted(result["attempts"], key=lambda attempt: not attempt["success"])
    shown = attempts[:SHOWN]
    rows = max(1, -(-len(shown) // COLUMNS))
    figure = Figure(figsize=(16, 1 + 2 * rows))
    figure.suptitle(
        f"Attack ({result['settings']['method']}): {result['successes']} of {len(result['attempts'])} succeed"
    )
    grid = figure.add_gridspec(rows, 3 * COLUMNS, width_ratios=[1, 1, 0.1] * COLUMNS)  # pairs, and gaps between them
    for place, attempt in enumerate(shown):
        row, column = divmod(place, COLUMNS)
        pixels = attempt.get("pixels", [])
        for side, (key, title, sure) in enumerate(
            (("original", "class", "confidence"), ("attacked", "predicted", "new_confidence"))
        ):
            axes = figure.add_subplot(grid[row, 3 * column + side])
            with Image.open(folder / attempt[key]) as picture:
                axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
            axes.set_axis_off()
            axes.set_title(f"{label(attempt[title], 12)}\n{attempt[sure]:.1%}", fontsize=12)
            _mark(axes, pixels)
    return figure


def _mark(axes: Any, pixels: Sequence[Mapping[str, Any]]) -> None:
    """Draw a ring around every changed pixel."""
    for pixel in pixels:
        axes.plot(pixel["column"], pixel["row"], "o", ms=14, mfc="none", mec=COLOURS[2], mew=1.5)
