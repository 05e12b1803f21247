"""Plot the loss against an increasing learning rate."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure


def learning_rate_range_figure(result: Mapping[str, Any]) -> Figure:
    """Return a figure of the losses of a range test, raw and smoothed, and the two proposed learning rates."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(result["learning_rates"], result["losses"], alpha=0.3, label="loss of each batch")
    axes.plot(result["learning_rates"], result["smoothed"], label="smoothed")
    for style, (name, rate) in zip(("--", ":"), result["proposal"].items(), strict=True):
        axes.axvline(rate, color="black", linestyle=style, label=f"{name} {rate:.2g}")
    low, start = min(result["losses"]), result["smoothed"][0]
    height = start - low
    axes.set(xlabel="learning rate", ylabel="loss", xscale="log", ylim=(low - 0.1 * height, start + 0.5 * height))
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
