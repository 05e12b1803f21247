"""Draw a timeline of ImageNet's winners."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.style import house_style

Row = tuple[int, str, float, float]


@house_style
def imagenet_figure(rows: Sequence[Row]) -> Figure:
    """Return bars of networks (year, name, top-5 error in the decks, that of a single network), in percent."""
    figure = Figure()
    figure.suptitle("ImageNet: top-5 error on 1,000 classes")
    axes = figure.add_subplot()
    places = np.arange(len(rows))
    for shift, column, name in ((-0.2, 2, "in the decks: the entry"), (0.2, 3, "in the papers: one network")):
        bars = axes.bar(places + shift, [row[column] for row in rows], 0.38, label=name)
        axes.bar_label(bars, fmt="%.4g", fontsize=12)
    axes.set_xticks(places, [f"{name}\n{year}" for year, name, *_ in rows])
    axes.set(ylabel="top-5 error (%)")
    axes.legend()
    return figure
