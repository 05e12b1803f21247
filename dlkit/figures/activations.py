"""Draw functions of one variable: activations with their derivatives, and networks of ReLUs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.style import house_style

Curve = tuple[np.ndarray, np.ndarray, str]


@house_style
def functions_figure(title: str, panels: Mapping[str, Sequence[Curve]], points: Sequence[np.ndarray] = ()) -> Figure:
    """Return a figure with a panel per name, each with curves (x, y, name), and with points (n, 2) if there are any."""
    figure = Figure()
    figure.suptitle(title)
    columns = min(len(panels), 3)
    grid = figure.subplots(-(-len(panels) // columns), columns, squeeze=False).flat
    for place, ((name, curves), axes) in enumerate(zip(panels.items(), grid, strict=True)):
        axes.set_title(name)
        for (x, y, text), line in zip(curves, ("-", "--", ":"), strict=False):
            axes.plot(x, y, line, label=text)
        if points:
            axes.plot(*points[place].T, "o", label="bends")
        axes.set(xlabel="z" if not points else "x")
        axes.grid()
        axes.legend()
    return figure
