"""Plot images, true masks, predicted masks and errors side by side."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from dlkit.interfaces.data import VOID

# The palette of Okabe and Ito, safe for colour-blind readers; more classes use a matplotlib colormap.
COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
VOID_COLOUR = "#BBBBBB"

Example = tuple[np.ndarray, np.ndarray, np.ndarray]


def segmentation_figure(examples: Sequence[Example], class_names: tuple[str, ...]) -> Figure:
    """Draw one row per (image (h, w, channels), true mask (h, w), predicted mask (h, w)); errors are red."""
    figure = Figure(figsize=(12, 3.1 * len(examples) + 0.6), layout="constrained")
    rows = figure.subplots(len(examples), 4, squeeze=False)
    for title, axes in zip(("image", "truth", "prediction", "errors"), rows[0], strict=True):
        axes.set_title(title)
    for (image, truth, predicted), (*panels, errors) in zip(examples, rows, strict=True):
        for axes in (*panels, errors):
            axes.set_axis_off()
        panels[0].imshow(_displayed(image), cmap="gray")
        for axes, mask in zip(panels[1:], (truth, predicted), strict=True):
            _show_mask(axes, mask, len(class_names))
        wrong = np.where(truth == VOID, 2, truth != predicted)
        errors.imshow(wrong, cmap=ListedColormap(["white", "#D00000", VOID_COLOUR]), vmin=0, vmax=2)
        errors.text(0.02, 0.02, f"{np.mean(wrong == 1):.1%} wrong", transform=errors.transAxes, backgroundcolor="white")
    colours = class_colours(len(class_names))
    patches = [Patch(facecolor=colour, label=name) for colour, name in zip(colours, class_names, strict=True)]
    figure.legend(handles=patches, loc="outside lower center", ncols=min(8, len(class_names)))
    return figure


def class_colours(classes: int) -> list[str]:
    """Return one colour per class."""
    if classes <= len(COLOURS):
        return list(COLOURS[:classes])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["turbo"](index / (classes - 1))) for index in range(classes)]


def _show_mask(axes: object, mask: np.ndarray, classes: int) -> None:
    palette = ListedColormap([*class_colours(classes), VOID_COLOUR])
    shown = np.where(mask == VOID, classes, mask)
    axes.imshow(shown, cmap=palette, vmin=0, vmax=classes, interpolation="nearest")  # type: ignore[attr-defined]


def _displayed(image: np.ndarray) -> np.ndarray:
    """Return an image for matplotlib: greyscale without a channel axis, scaled to 0 to 1 unless it is uint8."""
    shown = image[..., 0] if image.shape[-1] == 1 else image[..., :3]
    if shown.dtype == np.uint8:
        return shown
    low, high = float(shown.min()), float(shown.max())
    scaled: np.ndarray = (shown - low) / max(high - low, 1e-12)
    return scaled
