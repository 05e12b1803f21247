"""Draw examples as points in the plane, by several methods."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.latent import MOST_CLASSES, scatter_classes
from dlkit.figures.style import house_style


@house_style
def embeddings_figure(
    title: str, points: Mapping[str, np.ndarray], classes: np.ndarray | None, class_names: tuple[str, ...]
) -> Figure:
    """Return a figure with a panel per method of points (n, 2), coloured by class (n,) if there are few classes."""
    figure = Figure()
    figure.suptitle(title)
    grid = figure.subplots(1, len(points), squeeze=False)[0]
    for place, ((name, own), axes) in enumerate(zip(points.items(), grid, strict=True)):
        axes.set_title(name, fontsize=13)
        if classes is not None and classes.ndim == 1 and len(class_names) <= MOST_CLASSES:
            scatter_classes(axes, own, classes, class_names)
            if place < len(points) - 1:
                axes.get_legend().remove()
        else:
            axes.scatter(own[:, 0], own[:, 1], s=18, alpha=0.7)
        axes.set(xlabel="first coordinate", ylabel="second coordinate")
        axes.grid()
    return figure
