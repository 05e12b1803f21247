"""Lay out line and bar charts for the templates that draw them as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

from dlkit.figures.curves import SHARES
from dlkit.formatting import measured, rounded

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 44


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: where it is, in pixels, and its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Line:
    """A series: its name, number of the colour, whether it is dashed, its last value and its path."""

    name: str
    colour: int
    dashed: bool
    last: str
    path: str


@dataclass(frozen=True)
class LineChart:
    """A laid-out chart of series by epoch, with the same values as a table."""

    title: str
    x_label: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[Line]
    columns: list[str]
    rows: list[list[str]]
    diagonal: str = ""


def line_chart(title: str, series: Mapping[str, tuple[Sequence[float], int, bool]], most_rows: int = 60) -> LineChart:
    """Lay out series by epoch: name -> (values, number of the colour, dashed). Gaps are left for non-finite values."""
    finite = np.concatenate([np.asarray(values, float) for values, _, _ in series.values()] or [np.zeros(1)])
    finite = finite[np.isfinite(finite)]
    epochs = max((len(values) for values, _, _ in series.values()), default=1)
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    y_ticks = _ticks(low, high)
    if 0 <= low <= high <= 1 and any(share in title.lower() for share in SHARES):
        y_ticks = [value for value in y_ticks if 0 <= value <= 1]
    low, high = min(low, y_ticks[0]), max(high, y_ticks[-1])
    last = max(1, epochs - 1)
    lines = []
    for name, (values, colour, dashed) in series.items():
        points = [(_x(epoch, 0, last), _y(float(value), low, high)) for epoch, value in enumerate(values)]
        lines.append(Line(name, colour, dashed, measured(float(values[-1])) if len(values) else "", _path(points)))
    shown = range(0, epochs, max(1, -(-epochs // most_rows)))
    rows = [[str(epoch), *(_value(values, epoch) for values, _, _ in series.values())] for epoch in shown]
    x_values = sorted({int(value) for value in _ticks(0, last)})
    x_ticks = [Tick(_x(value, 0, last), str(value)) for value in x_values if value <= last]
    labels = [Tick(_y(value, low, high), rounded(value, 4)) for value in y_ticks]
    return LineChart(title, "epoch, counted from 0", x_ticks, labels, lines, ["epoch", *series], rows)


def reliability_chart(confidence: Sequence[float], accuracy: Sequence[float]) -> LineChart:
    """Lay out accuracy by confidence, both from 0 to 1; the diagonal is where they are equal."""
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    points = [(_x(x, 0, 1), _y(y, 0, 1)) for x, y in zip(confidence, accuracy, strict=True)]
    diagonal = _path([(_x(0, 0, 1), _y(0, 0, 1)), (_x(1, 0, 1), _y(1, 0, 1))])
    line = Line("accuracy", 0, False, "", _path(points))
    rows = [[rounded(x, 3), rounded(y, 3)] for x, y in zip(confidence, accuracy, strict=True)]
    x_ticks = [Tick(_x(value, 0, 1), f"{value:g}") for value in ticks]
    y_ticks = [Tick(_y(value, 0, 1), f"{value:g}") for value in ticks]
    columns = ["mean confidence", "accuracy"]
    return LineChart("Calibration", "confidence", x_ticks, y_ticks, [line], columns, rows, diagonal)


def _ticks(low: float, high: float) -> list[float]:
    spread = (low, high) if high > low else (low - 0.5, high + 0.5)
    return [float(value) for value in MaxNLocator(5).tick_values(*spread)]


def _x(value: float, low: float, high: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low), 1)


def _y(value: float, low: float, high: float) -> float:
    if not np.isfinite(value):
        return float("nan")
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low or 1), 1)


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Return the path through points, begun anew after each one that is not finite."""
    parts, pen = [], "M"
    for x, y in points:
        if not np.isfinite(y):
            pen = "M"
            continue
        parts.append(f"{pen}{x:g} {y:g}")
        pen = "L"
    if len(parts) == 1 or (parts and pen == "L" and parts[-1].startswith("M")):
        parts.append("h0.01")  # a single point, which round line ends make visible
    return "".join(parts)


def _value(values: Sequence[float], epoch: int) -> str:
    return measured(float(values[epoch])) if epoch < len(values) and np.isfinite(values[epoch]) else ""
