"""Plot loss and metrics by epoch."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator


def curves_figure(name: str, columns: Mapping[str, Sequence[float]]) -> Figure:
    """Return a figure of one metric by epoch (counted from 1), for train and, if present, validation."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for label, key in (("train", name), ("validation", f"val_{name}")):
        if key in columns:
            epochs = range(1, len(columns[key]) + 1)
            axes.plot(epochs, columns[key], marker="o" if len(epochs) < 30 else None, markersize=3, label=label)
    axes.set(xlabel="epoch", ylabel=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
