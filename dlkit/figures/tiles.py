"""Draw many small images of one kind: filters, feature maps, patches, augmentations."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.style import house_style, label


@house_style
def tiles_figure(title: str, images: Sequence[np.ndarray], names: Sequence[str] = (), columns: int = 0) -> Figure:
    """Return a figure of images (height, width) or (height, width, 3), row by row.

    Integers are pixels from 0 to 255. Grey floats share one scale, whose ends the title names; coloured ones are
    scaled together to the whole range.
    """
    figure = Figure()
    width = columns or ceil((len(images) * 16 / 9) ** 0.5)
    grid = figure.subplots(ceil(len(images) / width), width, squeeze=False).flat
    low, high = min(float(image.min()) for image in images), max(float(image.max()) for image in images)
    pixels = images[0].dtype == np.uint8
    scale = "" if pixels else f"; values from {low:.3g} to {high:.3g}"
    figure.suptitle(f"{title}{scale}")
    for axes in grid:
        axes.set_axis_off()
    for place, (image, axes) in enumerate(zip(images, figure.axes, strict=False)):
        shown = image if pixels else (image - low) / max(high - low, 1e-12)
        axes.imshow(shown, cmap="gray", vmin=0, vmax=255 if pixels else 1)
        if names:
            axes.set_title(label(names[place], max(110 // width, 6)), fontsize=12)
    return figure
