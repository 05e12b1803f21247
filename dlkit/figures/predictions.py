"""Draw predictions of a classifier: images with the probabilities of their classes as bars."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.images import displayed
from dlkit.figures.style import COLOURS, house_style, label, labels

ROWS, COLUMNS, BARS = 3, 5, 5
SHOWN = ROWS * COLUMNS


@house_style
def predictions_figure(
    title: str, images: np.ndarray, truth: np.ndarray, scores: np.ndarray, class_names: Sequence[str]
) -> Figure:
    """Return a figure of images (n, h, w, channels) with the largest of their scores (n, classes) as bars."""
    figure = Figure()
    if scores.shape[1] == 1:
        scores = np.c_[1 - scores, scores]
    predicted = scores.argmax(1)
    figure.suptitle(f"{title}: {int((predicted == truth).sum())} of {len(images)} right")
    grid = figure.add_gridspec(ROWS, COLUMNS)
    names = labels(class_names, 12)
    for place, (image, true, own) in enumerate(zip(images, truth, scores, strict=True)):
        inner = grid[place // COLUMNS, place % COLUMNS].subgridspec(1, 2)
        left, right = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
        left.imshow(displayed(image), cmap="gray")
        left.set_axis_off()
        best = np.argsort(-own)[:BARS]
        good = best[0] == true
        colour = COLOURS[0] if good else COLOURS[2]
        left.set_title(f"{'right' if good else 'WRONG'}: {label(class_names[true], 12)}", fontsize=12, color=colour)
        bars = ["#94a4a2" if number != best[0] else colour for number in best]
        right.barh(np.arange(len(best)), own[best], color=bars)
        right.set(xlim=(0, 1), xticks=[0, 1], yticks=[])
        right.invert_yaxis()
        for number, which in enumerate(best):
            right.text(0.04, number, f"{names[which]} {own[which]:.2f}", va="center", fontsize=12)
    return figure
