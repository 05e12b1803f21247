"""Plot images, true masks, predicted masks and errors side by side."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from dlkit.figures.images import displayed
from dlkit.figures.style import COLOURS as TEN
from dlkit.figures.style import house_style, labels, legend
from dlkit.formatting import percent
from dlkit.interfaces.data import VOID

# The palette of Okabe and Ito, safe for colour-blind readers; more classes use the ten colours of the house style, and
# more than those a matplotlib colormap.
COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
VOID_COLOUR, ERROR_COLOUR = "#BBBBBB", "#D00000"

Example = tuple[np.ndarray, np.ndarray, np.ndarray]


@house_style
def segmentation_figure(examples: Sequence[Example], class_names: tuple[str, ...]) -> Figure:
    """Draw one column per (image (h, w, channels), true mask (h, w), predicted mask (h, w)), with its errors below."""
    figure = Figure()
    figure.suptitle(f"Masks of {len(examples)} image{'s' * (len(examples) > 1)}")
    rows = figure.subplots(4, len(examples), squeeze=False)
    for title, axes in zip(("image", "true mask", "prediction", "errors"), rows[:, 0], strict=True):
        axes.set_ylabel(title, rotation=0, ha="right", va="center")
    for (image, truth, predicted), (first, *masks, errors) in zip(examples, rows.T, strict=True):
        for axes in (first, *masks, errors):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        first.imshow(displayed(image), cmap="gray")
        for axes, mask in zip(masks, (truth, predicted), strict=True):
            _show_mask(axes, mask, len(class_names))
        wrong = np.where(truth == VOID, 2, truth != predicted)
        errors.imshow(wrong, cmap=ListedColormap(["white", ERROR_COLOUR, VOID_COLOUR]), vmin=0, vmax=2)
        errors.set_xlabel(f"{percent(round(float(np.mean(wrong == 1)), 3))} wrong")
        errors.spines[:].set_visible(True)
    colours = [*class_colours(len(class_names)), VOID_COLOUR, ERROR_COLOUR]
    patches = [Patch(facecolor=colour, edgecolor="black") for colour in colours]
    names = [*labels(class_names, 18), "void", "error"]
    legend(figure, patches, names, loc="outside right center", ncols=1 + len(class_names) // 16)
    return figure


def class_colours(classes: int) -> list[str]:
    """Return one colour per class."""
    for palette in (COLOURS, ("#000000", *TEN)):
        if classes <= len(palette):
            return list(palette[:classes])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["turbo"](index / (classes - 1))) for index in range(classes)]


def _show_mask(axes: object, mask: np.ndarray, classes: int, alpha: float = 1) -> None:
    palette = ListedColormap([*class_colours(classes), VOID_COLOUR])
    shown = np.where(mask == VOID, classes, mask)
    axes.imshow(shown, cmap=palette, vmin=0, vmax=classes, alpha=alpha)  # type: ignore[attr-defined]


@house_style
def overlay_figure(
    title: str, images: np.ndarray, truth: np.ndarray, predicted: Sequence[np.ndarray], class_names: tuple[str, ...]
) -> Figure:
    """Draw true masks above and predicted ones below, each laid over its image (n, h, w, channels)."""
    figure = Figure()
    figure.suptitle(title)
    rows = figure.subplots(2, len(images), squeeze=False)
    for masks, name, row in zip((truth, predicted), ("true", "predicted"), rows, strict=True):
        row[0].set_ylabel(name)
        for image, mask, axes in zip(images, masks, row, strict=True):
            axes.set(xticks=[], yticks=[])
            axes.imshow(displayed(image), cmap="gray")
            _show_mask(axes, mask, len(class_names), alpha=0.45)
    patches = [Patch(facecolor=colour, alpha=0.45) for colour in class_colours(len(class_names))]
    legend(figure, patches, labels(class_names, 18), loc="outside lower center", ncols=min(len(class_names), 8))
    return figure
