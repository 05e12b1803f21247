"""Draw where a classifier looks in an image."""

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.images import displayed
from dlkit.figures.style import house_style


@house_style
def saliency_figure(title: str, image: np.ndarray, gradient: np.ndarray, lost: np.ndarray, side: int) -> Figure:
    """Return a figure of an image, |d ln p/dx| (height, width), and the probability that each hidden square costs."""
    figure = Figure()
    figure.suptitle(title)
    names = ("image", "gradient |d ln p/dx|", f"loss of p when {side}x{side} pixels are hidden")
    axes = figure.subplots(1, 3)
    axes[0].imshow(displayed(image), cmap="gray")
    height, width = image.shape[:2]
    reach = max(float(abs(lost).max()), 1e-12)
    drawn = axes[1].imshow(gradient, cmap="viridis")
    figure.colorbar(drawn, ax=axes[1], location="bottom")
    place = (-0.5, width - 0.5, height - 0.5, -0.5)
    drawn = axes[2].imshow(lost, cmap="PuOr_r", vmin=-reach, vmax=reach, extent=place)
    figure.colorbar(drawn, ax=axes[2], location="bottom")
    for name, own in zip(names, axes, strict=True):
        own.set_title(name)
        own.set(xticks=[], yticks=[])
    return figure
