"""Plot what a search found: values by trial, settings against values, and how much each setting matters."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlkit.figures.style import COLOURS, axis_label, house_style, label, labels
from dlkit.formatting import measured

Trials = Sequence[Mapping[str, Any]]


@house_style
def history_figure(trials: Trials, monitor: str, lower: bool) -> Figure:
    """Return the value of every trial in order, and the best so far; those without a value are marked below.

    trials: with number, state, value and parameters. lower: whether a lower value is better.
    """
    figure = Figure()
    figure.suptitle(f"Search: {label(monitor)} by trial")
    axes = figure.add_subplot()
    complete, values = _complete(trials)
    numbers = [trial["number"] for trial in complete]
    axes.plot(numbers, values, "o", label="trial")
    best = np.minimum.accumulate(values) if lower else np.maximum.accumulate(values)
    axes.step(numbers, best, where="post", color=COLOURS[2], label=f"best so far: {measured(best[-1])} at the end")
    for state, marker in (("pruned", "v"), ("fail", "x")):
        missing = [trial["number"] for trial in trials if trial["state"] == state]
        if missing:
            bottom = np.full(len(missing), 0.03)
            axes.plot(missing, bottom, marker, transform=axes.get_xaxis_transform(), label=f"{state} (no value)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="trial, counted from 0", ylabel=axis_label(monitor))
    axes.grid()
    axes.legend()
    return figure


@house_style
def slices_figure(trials: Trials, monitor: str, logarithmic: Sequence[str]) -> Figure:
    """Return the value against each setting, later trials darker. logarithmic: keys that were drawn on such a scale."""
    complete, values = _complete(trials)
    keys = list(complete[0]["parameters"])
    figure = Figure(figsize=(4.2 * min(len(keys), 3), 4.2 * -(-len(keys) // 3)))
    figure.suptitle(f"Search: {label(monitor)} by setting, later trials darker")
    for place, (key, name) in enumerate(zip(keys, labels(_short(keys)), strict=True), 1):
        axes = figure.add_subplot(-(-len(keys) // 3), min(len(keys), 3), place)
        positions, ticks = _positions([trial["parameters"][key] for trial in complete])
        axes.scatter(positions, values, c=np.arange(len(values)), cmap="viridis_r", vmin=0)
        _scale(axes.xaxis, axes.set_xscale, ticks, key in logarithmic)
        axes.set(xlabel=name, ylabel=axis_label(monitor))
        axes.grid()
    return figure


@house_style
def parallel_figure(trials: Trials, monitor: str, logarithmic: Sequence[str]) -> Figure:
    """Return a line for each trial through its settings to its value, coloured by the value."""
    complete, values = _complete(trials)
    keys = list(complete[0]["parameters"])
    figure = Figure()
    figure.suptitle(f"Search: settings and {label(monitor)} of every trial")
    axes = figure.add_subplot()
    heights = []
    for column, key in enumerate([*keys, None]):
        found = list(values) if key is None else [trial["parameters"][key] for trial in complete]
        positions, ticks = _positions(found)
        heights.append(_drawn_axis(axes, column, positions, ticks, key in logarithmic))
    colour = colormaps["viridis_r"]
    scale = Normalize(min(values), max(values))
    for line, value in sorted(zip(np.transpose(heights), values, strict=True), key=lambda pair: pair[1]):
        axes.plot(range(len(keys) + 1), line, color=colour(scale(value)), alpha=0.8)
    axes.set_xticks(range(len(keys) + 1), labels([*_short(keys), monitor]))
    axes.set(yticks=[], xlim=(-0.2, len(keys) + 0.7), ylim=(-0.05, 1.05))
    return figure


@house_style
def importances_figure(importances: Mapping[str, float], monitor: str) -> Figure:
    """Return bars of how much each setting explains of the differences, as shares of 1."""
    figure = Figure()
    figure.suptitle(f"Search: share of the differences in {label(monitor)} by setting (fANOVA)")
    axes = figure.add_subplot()
    keys = sorted(importances, key=lambda key: importances[key])
    bars = axes.barh(labels(_short(keys)), [importances[key] for key in keys])
    axes.bar_label(bars, [f"{importances[key]:.2f}" for key in keys], padding=4)
    axes.set(xlabel="share", xlim=(0, 1))
    return figure


def _complete(trials: Trials) -> tuple[list[Mapping[str, Any]], list[float]]:
    found = [trial for trial in trials if trial["state"] == "complete"]
    return found, [trial["value"] for trial in found]


def _short(keys: Sequence[str]) -> list[str]:
    """Return the shortest ends of dotted keys that tell them apart."""
    for parts in range(1, max((key.count(".") for key in keys), default=0) + 2):
        short = [".".join(key.split(".")[-parts:]) for key in keys]
        if len(set(short)) == len(keys):
            return short
    return list(keys)


def _positions(values: Sequence[Any]) -> tuple[np.ndarray, list[str]]:
    """Return numbers as they are, and other values as their places in an order, with its names."""
    if all(isinstance(value, int | float) for value in values):
        return np.asarray(values, float), []
    names = sorted({str(value) for value in values})
    return np.array([names.index(str(value)) for value in values], float), names


def _scale(axis: Any, set_scale: Any, ticks: list[str], logarithmic: bool) -> None:
    if ticks:
        axis.set_ticks(range(len(ticks)), labels(ticks))
    elif logarithmic:
        set_scale("log")


def _drawn_axis(axes: Any, column: int, positions: np.ndarray, ticks: list[str], logarithmic: bool) -> np.ndarray:
    """Draw a vertical axis with its ends, or its choices; return the heights of the values on it, from 0 to 1."""
    marks = np.arange(len(ticks)) if ticks else np.array([positions.min(), positions.max()])
    names = (
        labels(ticks) if ticks else [f"{mark:.0f}" if mark == int(mark) else measured(float(mark)) for mark in marks]
    )
    low, high = marks[0], marks[-1]
    transform = np.log if logarithmic else np.asarray
    span = transform(high) - transform(low) or 1.0
    heights: np.ndarray = (transform(positions) - transform(low)) / span
    axes.axvline(column, color=COLOURS[3], linewidth=1)
    for mark, name in zip(marks, names, strict=True):
        axes.annotate(name, (column, (transform(mark) - transform(low)) / span), (6, 0), textcoords="offset points")
    return heights
