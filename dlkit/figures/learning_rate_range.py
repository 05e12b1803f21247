"""Plot the loss against an increasing learning rate."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dlkit.figures.style import house_style


@house_style
def learning_rate_range_figure(result: Mapping[str, Any]) -> Figure:
    """Return a figure of the losses of a range test, raw and smoothed, and the two proposed learning rates."""
    figure = Figure()
    figure.suptitle("Learning-rate range test: the loss while the rate grows from step to step")
    axes = figure.add_subplot()
    axes.plot(
        result["learning_rates"], result["losses"], color="C0", alpha=0.5, linewidth=1, label="loss of each batch"
    )
    axes.plot(result["learning_rates"], result["smoothed"], color="C4", label="smoothed loss")
    for style, (name, rate) in zip(("--", ":"), result["proposal"].items(), strict=True):
        axes.axvline(rate, color="black", linestyle=style, label=f"{name.replace('_', ' ')} {rate:.2g}")
    low, start = min(result["losses"]), result["smoothed"][0]
    height = start - low
    axes.set(xlabel="learning rate", ylabel="loss", xscale="log", ylim=(low - 0.1 * height, start + 0.5 * height))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid()
    axes.legend()
    return figure
