"""Plot originals and their reconstructions by an autoencoder."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.style import house_style


@house_style
def reconstructions_figure(rows: Mapping[str, np.ndarray]) -> Figure:
    """Return a figure with one row of images (n, height, width, channels) per title, all scaled like the first row."""
    first = next(iter(rows.values()))
    count = len(first)
    figure = Figure()
    figure.suptitle(f"Reconstructions of {count} example{'s' * (count > 1)}")
    grid = np.reshape(figure.subplots(len(rows), count), (len(rows), count))
    low, high = float(first.min()), float(first.max())
    for line, (title, images) in zip(grid, rows.items(), strict=True):
        line[0].set_ylabel(title.replace(" ", "\n"), rotation=0, ha="right", va="center")
        for axes, image in zip(line, images, strict=True):
            axes.imshow(_shown(image, low, high), cmap="gray", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
    return figure


def as_images(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return values (n, ...) reshaped to images of a shape."""
    return np.reshape(values, (len(values), *shape))


def _shown(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return an image scaled to 0 to 1, without the channel axis if it is greyscale."""
    scaled = np.clip((image - low) / max(high - low, 1e-12), 0, 1)
    return scaled[..., 0] if image.shape[-1] == 1 else scaled
