"""Plot the confusion matrix of a classifier."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

from dlkit.figures.style import house_style, labels
from dlkit.formatting import percent

MOST_CLASSES = 30  # with counts and all labels
WIDTH_OF_ALL, WIDTH_OF_DIGIT = 1000, 11.5  # pixels


@house_style
def confusion_matrix_figure(matrix: np.ndarray, class_names: tuple[str, ...]) -> Figure:
    """Return a figure of counts (classes, classes), rows true and columns predicted, shaded by the share of the row."""
    classes = len(class_names)
    right = np.trace(matrix) / max(matrix.sum(), 1)
    figure = Figure()
    figure.suptitle(f"Confusion matrix: {np.trace(matrix):,} of {matrix.sum():,} right ({percent(right)})")
    axes = figure.add_subplot()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    _label_classes(axes, labels(class_names, 14 if classes > 12 else 20))
    axes.set(xlabel="predicted class", ylabel="true class")
    if classes <= 20:
        figure.colorbar(image, ax=axes, label="share of the true class", pad=0.01)
    if classes <= MOST_CLASSES:
        _write_counts(axes, matrix, shares)
    else:
        axes.set_title(f"{classes} classes are too many for counts; darker is a larger share of the true class")
    return figure


def _label_classes(axes: Any, names: list[str]) -> None:
    """Label every class, or every so many that the labels do not overlap."""
    step = -(-len(names) // MOST_CLASSES)
    shown = range(0, len(names), step)
    wide = max(map(len, names)) * WIDTH_OF_DIGIT > WIDTH_OF_ALL / len(shown)
    axes.set_xticks(shown, names[::step], rotation=90 if wide else 0)
    axes.set_yticks(shown, names[::step])
    axes.spines[:].set_visible(False)


def _write_counts(axes: Any, matrix: np.ndarray, shares: np.ndarray) -> None:
    """Write the counts that are not 0: in full where there is room for them, else thousands as k."""
    digits = len(str(matrix.max()))
    room = WIDTH_OF_ALL / len(matrix)
    texts: list[Text] = []
    for row, column in np.argwhere(matrix):
        count = matrix[row, column]
        shown = f"{count / 1000:.2g}k" if count >= 1000 and digits * WIDTH_OF_DIGIT > room else str(count)
        colour = "white" if shares[row, column] > 0.5 else "black"
        texts.append(axes.text(column, row, shown, ha="center", va="center", color=colour, fontsize=12))
    if len(matrix) <= 12:
        for text in texts:
            text.set_fontsize(14)
