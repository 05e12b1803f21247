"""Plot predicted against true values of a regression."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.style import MARKERS, house_style, labels, legend
from dlkit.formatting import measured


@house_style
def predicted_values_figure(
    truth: np.ndarray, predicted: np.ndarray, names: Sequence[str], r2: Sequence[float]
) -> Figure:
    """Return a figure of true and predicted values (values, n), with their names and R2.

    Perfect predictions lie on the diagonal.
    """
    figure = Figure()
    shown = labels(list(names))
    figure.suptitle(f"Predicted and true {shown[0] if len(shown) == 1 else 'values'} of {truth.shape[1]:,} examples")
    axes = figure.add_subplot()
    for index in range(len(shown)):
        (line,) = axes.plot(truth[index], predicted[index], MARKERS[index % 10])
        line.set(markersize=6, alpha=0.7, markeredgewidth=0)
    low, high = min(truth.min(), predicted.min()), max(truth.max(), predicted.max())
    axes.plot([low, high], [low, high], color="black", linewidth=1)
    what = shown[0] if len(shown) == 1 else "value"
    axes.set(xlabel=f"true {what}", ylabel=f"predicted {what}")
    axes.grid()
    texts = [f"{name}, R² = {measured(score)}" for name, score in zip(shown, r2, strict=True)]
    legend(axes, axes.lines, [*texts, "perfect prediction"], loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
