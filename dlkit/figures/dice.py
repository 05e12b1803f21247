"""Draw what Dice and IoU measure: two masks and their common part."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rcParams
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from dlkit.figures.style import COLOURS, house_style

Panel = tuple[np.ndarray, np.ndarray, float, float]


@house_style
def dice_figure(panels: Sequence[Panel]) -> Figure:
    """Return a figure of pairs of masks (true, predicted, Dice, IoU)."""
    figure = Figure()
    figure.suptitle("Dice = 2 both/(true + predicted), IoU = both/either")
    palette = [rcParams["axes.facecolor"], COLOURS[0], COLOURS[1], COLOURS[4]]
    for axes, (truth, predicted, dice, iou) in zip(figure.subplots(2, 2).flat, panels, strict=True):
        axes.imshow(truth + 2 * predicted, cmap=ListedColormap(palette), vmin=0, vmax=3)
        axes.set_title(f"Dice {dice:.3f}, IoU {iou:.3f}")
        axes.spines[:].set_visible(False)
        axes.set(xticks=[], yticks=[])
    names = ("true only", "predicted only", "both")
    handles = [Patch(facecolor=colour) for colour in palette[1:]]
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure
