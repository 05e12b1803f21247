"""Plot codes as points, and decoded images as a grid."""

import numpy as np
from matplotlib.figure import Figure

MOST_CLASSES = 20


def latent_figure(codes: np.ndarray, labels: np.ndarray, class_names: tuple[str, ...]) -> Figure:
    """Return a scatter plot of codes (n, dimensions), coloured by labels (n,) if there are class names.

    More than two dimensions are projected onto the first two principal components.
    """
    points, what = codes, "latent number"
    if codes.shape[1] > 2:
        centred = codes - codes.mean(axis=0)
        points = centred @ np.linalg.eigh(centred.T @ centred)[1][:, :-3:-1]
        what = "principal component"
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.add_subplot()
    if class_names and len(class_names) <= MOST_CLASSES:
        for index, name in enumerate(class_names):
            chosen = points[labels == index]
            axes.scatter(chosen[:, 0], chosen[:, 1], s=4, color=f"C{index}" if index < 10 else None, label=name)
        axes.legend(markerscale=3, loc="center left", bbox_to_anchor=(1, 0.5))
    else:
        axes.scatter(points[:, 0], points[:, 1], s=4)
    axes.set(xlabel=f"{what} 1", ylabel=f"{what} 2", title=f"codes of {len(codes)} examples")
    return figure


def grid_figure(images: np.ndarray, title: str) -> Figure:
    """Return a figure of images (side^2, height, width, channels) tiled row by row into a square."""
    side = round(len(images) ** 0.5)
    height, width, channels = images.shape[1:]
    tiled = images.reshape(side, side, height, width, channels).swapaxes(1, 2)
    picture = tiled.reshape(side * height, side * width, channels)
    figure = Figure(figsize=(7, 7), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(picture[..., 0] if channels == 1 else np.clip(picture, 0, 1), cmap="gray", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[], title=title)
    return figure
