"""The image patches that excite each filter most."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from dlkit.errors import InputError
from dlkit.figures.images import displayed
from dlkit.figures.tiles import tiles_figure
from dlkit.plots.examples import check_images, layer_named, outputs_of, split_of

if TYPE_CHECKING:
    from dlkit.model.trained import TrainedModel

NINE, MOST_FILTERS, MOST_IMAGES = 9, 21, 500


@dataclass(frozen=True)
class Patch:
    """The receptive field of one value of a feature map: example, rows and columns in it, its pixels and the value."""

    example: int
    rows: slice
    columns: slice
    pixels: np.ndarray
    value: float


def plot(run: "TrainedModel", *, layer: str | None = None, split: str | None = None) -> Mapping[str, Figure]:
    """The nine patches, from different images, that excite each filter most, cut to their receptive field."""
    name, data = split_of(run, split)
    check_images(data)
    chosen = layer_named(run.built.network.layers, layer, _is_convolution, "a kernel of a convolution")
    best = strongest(run, chosen, np.asarray(data.inputs[:MOST_IMAGES]))
    shown = best[:MOST_FILTERS]
    field = "x".join(map(str, shown[0][0].pixels.shape[:2]))
    title = f"{chosen.name}: nine patches of {field} pixels for {len(shown)} of {len(best)} filters, {name}"
    mosaics = [_mosaic([patch.pixels for patch in patches]) for patches in shown]
    return {f"patches-{chosen.name}": tiles_figure(title, mosaics, [f"filter {place}" for place in range(len(shown))])}


def strongest(run: "TrainedModel", layer: Any, images: np.ndarray) -> list[list[Patch]]:
    """Return for each filter up to nine patches, strongest first, at most one per image.

    Only receptive fields that lie inside the image count, so that the patch alone gives the value again.
    """
    from dlkit.analysis.receptive_field import fields

    reaches = fields(run.built.network)[id(layer.output)]
    if len(reaches) != 2 or not all(reach.local for reach in reaches):
        raise InputError(f"a value of {layer.name} depends on the whole image", "choose an earlier --layer")
    maps = outputs_of(run, [layer], images)[0]
    spans = [
        _spans(reach, size, side) for reach, size, side in zip(reaches, maps.shape[1:3], images.shape[1:3], strict=True)
    ]
    if not all(spans):
        raise InputError(f"no receptive field of {layer.name} lies inside an image", "choose an earlier --layer")
    rows, columns = (sorted(found) for found in spans)
    inner = maps[:, rows][:, :, columns]
    found = []
    for values in np.moveaxis(inner, -1, 0):
        flat = values.reshape(len(values), -1)
        places, strength = flat.argmax(1), flat.max(1)
        patches = []
        for example in np.argsort(-strength, kind="stable")[:NINE]:
            row, column = divmod(int(places[example]), len(columns))
            own = (spans[0][rows[row]], spans[1][columns[column]])
            patches.append(Patch(int(example), *own, images[example][own], float(strength[example])))
        found.append(patches)
    return found


def _spans(reach: Any, count: int, side: int) -> dict[int, slice]:
    """Return the pixels that each place of a feature map depends on, for the places whose pixels are all there."""
    ends = {i: (int(i * reach.step - reach.before), int(i * reach.step + reach.after) + 1) for i in range(count)}
    return {i: slice(low, high) for i, (low, high) in ends.items() if low >= 0 and high <= side}


def _is_convolution(layer: Any) -> bool:
    kernel = getattr(layer, "kernel", None)
    return kernel is not None and len(kernel.shape) == 4


def _mosaic(patches: list[np.ndarray]) -> np.ndarray:
    """Return nine patches in a square with lines between them."""
    height, width = patches[0].shape[:2]
    shown = [displayed(patch) if patch.dtype == np.uint8 else patch for patch in patches]
    shown = [patch[..., 0] if patch.ndim == 3 and patch.shape[-1] == 1 else patch for patch in shown]
    whole = np.full((3 * height + 2, 3 * width + 2, *shown[0].shape[2:]), max(float(p.max()) for p in shown) / 2)
    whole = whole.astype(shown[0].dtype)
    for place, patch in enumerate(shown):
        top, left = place // 3 * (height + 1), place % 3 * (width + 1)
        whole[top : top + height, left : left + width] = patch
    return whole
