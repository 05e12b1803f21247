"""Plot the relative errors of gradients, part by part."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dlkit.figures.style import COLOURS, house_style, label, labels

_LEAST = 1e-17


@house_style
def gradcheck_figure(result: Mapping[str, Any]) -> Figure:
    """Return a figure of the error of each gradient, from the first part of a network (top) to the last."""
    gradients = result["gradients"]
    parts = list(dict.fromkeys(gradient["part"] for gradient in gradients))
    figure = Figure(figsize=(7, 1.5 + 0.25 * len(parts)))
    figure.suptitle("Backpropagation against numeric differentiation")
    axes = figure.add_subplot()
    for right, colour in ((True, COLOURS[0]), (False, COLOURS[2])):
        shown = [gradient for gradient in gradients if gradient["right"] is right]
        errors = [1.0 if g["error"] is None else max(g["error"], _LEAST) for g in shown]
        places = [parts.index(gradient["part"]) for gradient in shown]
        if shown:
            axes.scatter(errors, places, color=colour, label=label("right" if right else "wrong"), alpha=0.7)
    axes.axvline(result["tolerance"], color="black", linestyle="--", label="tolerance")
    axes.set_yticks(range(len(parts)), labels(parts))
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="relative error", ylabel="part")
    axes.grid(axis="x")
    axes.legend()
    return figure
