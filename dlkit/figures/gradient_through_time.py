"""Plot how the last output of a recurrent layer depends on earlier inputs, against its bound."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlkit.figures.style import house_style

_SMALLEST = 1e-12
_COLOURS = {"before": "C0", "after": "C1"}


@house_style
def gradient_through_time_figure(title: str, content: Mapping[str, Any]) -> Figure:
    """Return a figure of gradients and bounds by the distance k in steps, on a logarithmic axis.

    content: `before` and `after` training, each with lists `gradient` and `bound` for k = 0, 1 ...
    """
    figure = Figure()
    figure.suptitle(title)
    axes = figure.add_subplot()
    for when, colour in _COLOURS.items():
        distance = np.arange(len(content[when]["gradient"]))
        for name, style in (("gradient", "-"), ("bound", "--")):
            values = np.maximum(content[when][name], _SMALLEST)
            axes.plot(distance, values, style, color=colour, label=f"{name} {when} training")
    axes.set(xlabel="k, steps before the last", ylabel="|dh_T / di_(T-k)|, largest singular value", yscale="log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid()
    axes.legend()
    return figure
