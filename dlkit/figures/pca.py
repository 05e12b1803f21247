"""Draw explained variance, and the planes of PCA and kernel PCA."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlkit.figures.latent import MOST_CLASSES, scatter_classes
from dlkit.figures.style import COLOURS, house_style
from dlkit.formatting import percent


@house_style
def pca_figure(
    content: Mapping[str, Any], planes: Mapping[str, np.ndarray], classes: np.ndarray | None, names: tuple[str, ...]
) -> Figure:
    """Return a figure of the variance by component, and of the examples by PCA and by kernel PCA."""
    figure = Figure(figsize=(16, 5))
    figure.suptitle(f"PCA of {content['examples']:,} {content['of']} of {content['values']:,} values")
    shares = content["explained_variance_ratio"]
    axes = figure.add_subplot(1, 3, 1)
    places = range(1, len(shares) + 1)
    axes.bar(places, shares, color=COLOURS[0], label="each component")
    axes.plot(places, np.cumsum(shares), ".-", color=COLOURS[1], label="all so far")
    axes.set(xlabel="component", ylabel="share of the variance", ylim=(0, 1.02))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y")
    axes.legend()
    for place, (name, points) in enumerate(planes.items(), 2):
        _plane(figure.add_subplot(1, 3, place), name, points, content["separable"][name], classes, names, place == 3)
    return figure


def _plane(
    axes: Any, name: str, points: np.ndarray, lines: float | None, classes: Any, names: tuple[str, ...], last: bool
) -> None:
    separated = "" if lines is None else f"\nlines separate {percent(lines)}"
    axes.set(title=f"{'PCA' if name == 'linear' else 'kernel PCA (rbf)'}{separated}")
    if classes is not None and len(names) <= MOST_CLASSES:
        scatter_classes(axes, points, classes, names)
        if not last:
            axes.get_legend().remove()
    else:
        axes.scatter(points[:, 0], points[:, 1], s=18, alpha=0.7)
    axes.set(xlabel="first component", ylabel="second component")
    axes.grid()
