"""A network of ReLUs is piecewise linear: more units follow a curve more closely."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.activations import functions_figure

WIDTHS = (3, 6, 16)


def plot() -> Mapping[str, Figure]:
    """A hidden layer of 3, 6 and 16 ReLUs that follows sin x, with the bend of each unit."""
    x = np.linspace(0, 2 * np.pi, 401)
    panels, bends = {}, []
    for width in WIDTHS:
        knots, weights, bias = fitted(np.sin, width)
        y = network(x, knots, weights, bias)
        error = float(abs(y - np.sin(x)).max())
        panels[f"{width} units, largest error {error:.3g}"] = [(x, np.sin(x), "sin x"), (x, y, "network")]
        bends.append(np.c_[knots, network(knots, knots, weights, bias)])
    return {"relu-approximation": functions_figure("One layer of ReLUs is piecewise linear", panels, bends)}


def fitted(function: np.ufunc, width: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return where each unit begins, its output weight, and the output's bias, so that the network meets a function."""
    ends = np.linspace(0, 2 * np.pi, width + 1)
    slopes = np.diff(function(ends)) / np.diff(ends)
    return ends[:-1], np.diff(slopes, prepend=0), float(function(0))


def network(x: np.ndarray, knots: np.ndarray, weights: np.ndarray, bias: float) -> np.ndarray:
    """Return sum of w max(0, x - knot) + bias."""
    return np.asarray(np.maximum(x[:, None] - knots, 0) @ weights + bias)
