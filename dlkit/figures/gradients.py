"""Draw the norms of gradients by layer, at the first updates and after training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlkit.figures.style import COLOURS, house_style, label, legend

_LEAST = 1e-30
_LINES = ("-", "--", ":", "-.")


@house_style
def gradients_figure(measurements: Sequence[Mapping[str, Any]]) -> Figure:
    """Return a figure with a line per recipe or setting: the mean over the first updates, and after training.

    A norm that is None, because it was not finite, is a gap.
    """
    panels = [("over the first updates", [_mean(m["first"]) for m in measurements])]
    if any(m["after"] for m in measurements):
        updates = max(m["updates"] for m in measurements)
        panels.append((f"after {updates} updates", [m["after"] or [] for m in measurements]))
    figure = Figure(figsize=(7.5 * len(panels), 5 + 0.22 * len(measurements)), layout="constrained")
    figure.suptitle("Gradient of the loss by layer")
    handles: list[Any] = []
    for place, (title, norms) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), place + 1)
        handles = [line for number, own in enumerate(norms) for line in _drawn(axes, number, own)]
        axes.set(xlabel="layer, from the input", ylabel="norm of the gradient", yscale="log", title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid()
    names = [label(", ".join([m["recipe"], *_short(m["parameters"])]), 70) for m in measurements]
    legend(figure, handles, names, loc="outside lower center", ncols=2)
    return figure


def _drawn(axes: Any, number: int, norms: Sequence[float]) -> Any:
    colour, line = COLOURS[number % len(COLOURS)], _LINES[number // len(COLOURS) % len(_LINES)]
    heights = np.maximum(np.array(norms, float), _LEAST)
    return axes.plot(range(1, len(norms) + 1), heights, line, color=colour, marker=".")


def _mean(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return the geometric mean over rows, so that a single large update does not hide the others."""
    return list(np.exp(np.log(np.maximum(np.array(rows, float), _LEAST)).mean(0)))


def _short(parameters: Mapping[str, Any]) -> list[str]:
    """Return settings with the last part of their keys alone."""
    return [f"{key.rpartition('.')[2]}={value}" for key, value in parameters.items()]
