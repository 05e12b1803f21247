"""Draw one neuron with two inputs: its decision line, its loss, and the surface that it descends."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlkit.figures.style import COLOURS, house_style

Panel = tuple[str, np.ndarray]


@house_style
def decision_figure(samples: np.ndarray, panels: Sequence[Panel]) -> Figure:
    """Return a figure of samples (n, 3) [x1, x2, label] and the decision line of each (title, weights [w0, w1, w2])."""
    figure = Figure()
    figure.suptitle("Decision line of one neuron: w0 + w1 x1 + w2 x2 = 0")
    columns = min(len(panels), 3)
    for place, (title, weights) in enumerate(panels):
        axes = figure.add_subplot(-(-len(panels) // columns), columns, place + 1)
        axes.set_title(title)
        _draw_samples(axes, samples, weights)
    return figure


def _draw_samples(axes: Any, samples: np.ndarray, weights: np.ndarray) -> None:
    low, high = samples[:, :2].min(0) - 1, samples[:, :2].max(0) + 1
    right = (weights[0] + samples[:, :2] @ weights[1:] > 0) == (samples[:, 2] > 0.5)
    for number, marker in ((0, "s"), (1, "o")):
        chosen = samples[:, 2] == number
        axes.plot(*samples[chosen, :2].T, marker, color=COLOURS[number], markersize=9, label=f"t = {number}")
    axes.plot(*samples[~right, :2].T, "x", color=COLOURS[2], markersize=13, markeredgewidth=2, label="wrong")
    ends = line_ends(weights, low, high)
    if ends is not None:
        axes.plot(*ends, color=COLOURS[4])
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="x1", ylabel="x2")
    axes.legend(loc="lower right")
    axes.grid()


def line_ends(weights: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return x1 and x2 of two points on the decision line at the edges of a box, None where there is no line."""
    w0, w1, w2 = map(float, weights)
    if abs(w2) >= abs(w1) and w2:
        x1 = np.array([low[0], high[0]])
        return x1, -(w0 + w1 * x1) / w2
    if w1:
        x2 = np.array([low[1], high[1]])
        return -(w0 + w2 * x2) / w1, x2
    return None


@house_style
def loss_figure(losses: np.ndarray) -> Figure:
    """Return a figure of the loss (epochs,) before the update of each epoch."""
    figure = Figure()
    figure.suptitle(f"Loss of one neuron: {losses[0]:.4g} at the start, {losses[-1]:.4g} in epoch {len(losses) - 1}")
    axes = figure.add_subplot()
    axes.plot(losses)
    axes.set(xlabel="epoch, counted from 0", ylabel="sum of (y - t)^2/2", yscale="log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid()
    return figure


@house_style
def surface_figure(loss: Callable[[np.ndarray], np.ndarray], path: np.ndarray) -> Figure:
    """Return the surface of a loss over w1 and w2, with w0 as at the end, flat and in space, and the path of descent.

    loss: weights (..., 3) -> losses (...). path: the weights (1 + updates, 3), the start first.
    """
    first, second, heights = surface(loss, path)
    figure = Figure()
    figure.suptitle(f"Loss over w1 and w2, for w0 = {path[-1, 0]:.4g}, and the path of {len(path) - 1} updates")
    flat, space = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2, projection="3d")
    drawn = flat.contourf(first, second, heights, levels=30, cmap="viridis")
    figure.colorbar(drawn, ax=flat, label="sum of (y - t)^2/2", location="left")
    flat.plot(path[:, 1], path[:, 2], color="white", linewidth=4)
    flat.plot(path[:, 1], path[:, 2], color=COLOURS[2], label="path")
    flat.plot(*path[0, 1:], "o", color=COLOURS[1], markersize=10, label="start")
    flat.plot(*path[-1, 1:], "*", color=COLOURS[1], markersize=16, label="end")
    flat.set(xlabel="w1", ylabel="w2")
    flat.legend()
    space.plot_surface(first, second, heights, cmap="viridis", alpha=0.8)
    on_surface = loss(np.c_[np.full(len(path), path[-1, 0]), path[:, 1:]])
    space.plot(path[:, 1], path[:, 2], on_surface, color=COLOURS[2], zorder=10)
    space.set(xlabel="w1", ylabel="w2", title="height: the loss")
    return figure


def surface(
    loss: Callable[[np.ndarray], np.ndarray], path: np.ndarray, points: int = 60
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return w1, w2 and the loss (points, points) in a box around a path, for the last w0."""
    low, high = path[:, 1:].min(0), path[:, 1:].max(0)
    room = 0.3 * np.maximum(high - low, 1)
    first, second = np.meshgrid(*(np.linspace(a, b, points) for a, b in zip(low - room, high + room, strict=True)))
    return first, second, loss(np.stack([np.full_like(first, path[-1, 0]), first, second], -1))
