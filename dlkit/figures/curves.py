"""Plot loss and metrics by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlkit.figures.style import COLOURS, axis_label, house_style, label, legend
from dlkit.formatting import measured

SHARES = ("accuracy", "dice", "iou", "precision", "recall", "auc", "f1")
STYLES = {"train": ("-", "o"), "validation": ("--", "s")}


@house_style
def curves_figure(name: str, columns: Mapping[str, Sequence[float]]) -> Figure:
    """Return a figure of one metric by epoch, counted from 0 as in history.csv, for train and validation if present."""
    figure = Figure()
    figure.suptitle(f"Training: {label(name)} by epoch")
    axes = figure.add_subplot()
    shown = {}
    for title, key in (("train", name), ("validation", f"val_{name}")):
        if key in columns:
            shown[title] = np.asarray(columns[key], float)
            epochs = np.arange(len(shown[title]))
            line, marker = STYLES[title]
            marker = marker if len(epochs) < 30 else ""
            text = f"{title}: {measured(shown[title][-1])} at the end"
            axes.plot(epochs, shown[title], line, marker=marker, label=text)
    axes.set(xlabel="epoch, counted from 0", ylabel=axis_label(name))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid()
    axes.legend()
    _limit(axes, name, np.concatenate(list(shown.values())), len(epochs))
    return figure


def _limit(axes: Any, name: str, values: np.ndarray, epochs: int) -> None:
    """Keep the axis of a share between 0 and 1; a single epoch has no range, so its axis begins at 0."""
    is_share = any(part in name.lower() for part in SHARES) and np.nanmin(values) >= 0 and np.nanmax(values) <= 1
    if epochs == 1:
        axes.set_xlim(-0.5, 0.5)
        if np.nanmin(values) >= 0:
            axes.set_ylim(0, 1 if is_share else None)
    elif is_share:
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, 0), min(high, 1))
    for line in axes.lines:
        line.set_clip_on(False)


@house_style
def compared_figure(name: str, runs: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Return a figure of one metric by epoch of several runs, each with columns `name` and `val_name` if present."""
    figure = Figure()
    figure.suptitle(f"{label(name)} by epoch, {len(runs)} run{'s' * (len(runs) > 1)}")
    axes = figure.add_subplot()
    handles, texts = [], []
    for place, (run, columns) in enumerate(runs.items()):
        for title, key in (("train", name), ("validation", f"val_{name}")):
            if key in columns:
                line, marker = STYLES[title]
                values = np.asarray(columns[key], float)
                look: dict[str, Any] = {
                    "color": COLOURS[place % len(COLOURS)],
                    "marker": marker if len(values) < 30 else "",
                }
                handles += axes.plot(values, line, **look)
                texts.append(f"{label(run, 34)}, {title}: {measured(values[-1])}")
    axes.set(xlabel="epoch, counted from 0", ylabel=axis_label(name))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid()
    legend(axes, handles, texts)
    return figure
