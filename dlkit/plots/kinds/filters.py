"""The kernels of a layer as images."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from dlkit.errors import InputError
from dlkit.figures.tiles import tiles_figure
from dlkit.plots.examples import layer_named

if TYPE_CHECKING:
    from dlkit.model.trained import TrainedModel

MOST = 100


def plot(run: "TrainedModel", *, layer: str | None = None) -> Mapping[str, Figure]:
    """The filters of a convolution, or of a first Dense layer on images, as a grid."""
    from dlkit.model.groups import leaf_layers

    chosen = layer_named(leaf_layers(run.built.network), layer, has_filters, "filters")
    images = filter_images(run, chosen)
    count = f"{min(len(images), MOST)} of {len(images)} filters" if len(images) > MOST else f"{len(images)} filters"
    return {f"filters-{chosen.name}": tiles_figure(f"{chosen.name}: {count}", images[:MOST])}


def has_filters(layer: Any) -> bool:
    """Return whether a layer has a kernel of a 2D convolution, or that of a Dense layer."""
    kernel = getattr(layer, "kernel", None)
    return kernel is not None and (len(kernel.shape) == 4 or (len(kernel.shape) == 2 and hasattr(layer, "units")))


def filter_images(run: "TrainedModel", layer: Any) -> list[np.ndarray]:
    """Return an image per filter: coloured for 3 channels; for other depths, the mean over the channels."""
    kernel = np.asarray(layer.kernel)
    if kernel.ndim == 2:
        kernel = _of_dense(run, kernel)
    if kernel.shape[2] == 1:
        return list(kernel[:, :, 0].transpose(2, 0, 1))
    if kernel.shape[2] == 3:
        return list(kernel.transpose(3, 0, 1, 2))
    return list(kernel.mean(2).transpose(2, 0, 1))


def _of_dense(run: "TrainedModel", kernel: np.ndarray) -> np.ndarray:
    """Return the weights of a Dense layer, one per pixel, as (height, width, channels, units)."""
    spec = [side or 0 for side in run.built.description.inputs.shape]
    if len(spec) != 3 or np.prod(spec) != len(kernel):
        raise InputError(f"the layer has {len(kernel)} inputs, which are not pixels", "choose the first layer")
    return kernel.reshape(*spec, -1)
