"""Draw what layers make of one image."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.images import displayed
from dlkit.figures.style import house_style, label

COLUMNS = 10


@house_style
def feature_maps_figure(title: str, image: np.ndarray, maps: Mapping[str, np.ndarray]) -> Figure:
    """Return a figure with the image and a row of the first maps of each layer (height, width, channels)."""
    figure = Figure()
    figure.suptitle(title)
    grid = figure.subplots(len(maps), COLUMNS + 1, squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    grid[0, 0].imshow(displayed(image), cmap="gray")
    for row, (name, values) in zip(grid, maps.items(), strict=True):
        height, width, channels = values.shape
        row[1].set_ylabel(
            f"{label(name, 18)}\n{height}x{width}x{channels}", rotation=0, ha="right", va="center", fontsize=12
        )
        low, high = float(values.min()), float(values.max())
        for channel, axes in enumerate(row[1 : channels + 1]):
            axes.imshow(values[..., channel], vmin=low, vmax=max(high, low + 1e-12))
    return figure
