"""Plot codes as points, and decoded images as a grid."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.style import COLOURS, MARKERS, house_style, labels, legend
from dlkit.formatting import percent

MOST_CLASSES = 20
MOST_POINTS = 1500


@house_style
def latent_figure(codes: np.ndarray, targets: np.ndarray, class_names: tuple[str, ...]) -> Figure:
    """Return a scatter plot of codes (n, dimensions), with colours and markers by class (n,) if there are class names.

    More than two dimensions are projected onto the first two principal components. At most MOST_POINTS codes, evenly
    spread over the examples, are drawn, so that points do not hide one another.
    """
    points, axis_names = _projected(codes)
    chosen = np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).astype(int))
    shown, classes = points[chosen], np.asarray(targets)[chosen]
    figure = Figure()
    of = f"{len(chosen):,} of {len(codes):,}" if len(chosen) < len(codes) else f"{len(codes):,}"
    figure.suptitle(f"Codes of {of} examples")
    axes = figure.add_subplot()
    if class_names and len(class_names) <= MOST_CLASSES:
        scatter_classes(axes, shown, classes, class_names)
    else:
        axes.scatter(shown[:, 0], shown[:, 1], s=18, alpha=0.7)
    axes.set(xlabel=axis_names[0], ylabel=axis_names[1])
    axes.grid()
    return figure


def _projected(codes: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """Return points (n, 2) and the names of their axes."""
    if codes.shape[1] == 2:
        return codes, ("first value of the code", "second value of the code")
    centred = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64)
    points, shares = _principal(centred)
    first, second = (f"principal component {i + 1} ({percent(round(shares[i], 3))} of variance)" for i in (0, 1))
    return points, (first, second)


def _principal(centred: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Return the first two principal components (n, 2) of centred rows (n, d), and their shares of the variance.

    Uses the smaller of the two products of the rows, (d, d) or (n, n), as codes may have a million values.
    """
    rows, width = centred.shape
    if width <= rows:
        values, vectors = np.linalg.eigh(centred.T @ centred)
        points = centred @ vectors[:, :-3:-1]
    else:
        values, vectors = np.linalg.eigh(centred @ centred.T)
        points = vectors[:, :-3:-1] * np.sqrt(np.clip(values[:-3:-1], 0, None))
    points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    total = max(float((centred**2).sum()), 1e-300)
    return points, [float((points[:, i] ** 2).sum()) / total for i in (0, 1)]


def scatter_classes(axes: Any, points: np.ndarray, classes: np.ndarray, class_names: tuple[str, ...]) -> None:
    """Draw every class in a colour and a marker of its own, in several layers so that none hides the others."""
    layers = 8
    handles = []
    for index in range(len(class_names)):
        colour, marker = COLOURS[index % 10], MARKERS[(index + index // 10) % 10]
        own = points[classes == index]
        for layer in range(layers):
            part = own[layer::layers]
            look = {"s": 26, "color": colour, "marker": marker, "alpha": 0.75, "linewidths": 0, "zorder": 2 + layer}
            handle = axes.scatter(part[:, 0], part[:, 1], **look)
        handles.append(handle)
    place = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "ncols": 1 if len(class_names) <= 14 else 2}
    legend(axes, handles, labels(class_names), markerscale=1.8, title="class", **place)


@house_style
def grid_figure(images: np.ndarray, title: str) -> Figure:
    """Return a figure of images (side^2, height, width, channels) tiled row by row into a square."""
    side = round(len(images) ** 0.5)
    height, width, channels = images.shape[1:]
    tiled = images.reshape(side, side, height, width, channels).swapaxes(1, 2)
    picture = tiled.reshape(side * height, side * width, channels)
    figure = Figure()
    figure.suptitle(title)
    axes = figure.add_subplot()
    axes.imshow(picture[..., 0] if channels == 1 else np.clip(picture, 0, 1), cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()
    return figure
