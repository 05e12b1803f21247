"""What each layer makes of one image."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from dlkit.errors import InputError
from dlkit.figures.feature_maps import feature_maps_figure
from dlkit.plots.examples import example_of, outputs_of

if TYPE_CHECKING:
    from dlkit.model.trained import TrainedModel

MOST = 8


def plot(run: "TrainedModel", *, example: int = 0, split: str | None = None) -> Mapping[str, Figure]:
    """Feature maps of one image, layer by layer."""
    name, image = example_of(run, split, example)
    found = maps(run, image)
    chosen = [list(found)[place] for place in np.unique(np.linspace(0, len(found) - 1, MOST).astype(int))]
    shown = {layer: found[layer] for layer in chosen}
    title = f"Feature maps of example {example} of {name}, {len(shown)} of {len(found)} layers"
    return {f"feature-maps-{example}": feature_maps_figure(title, image, shown)}


def maps(run: "TrainedModel", image: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outputs (height, width, channels) of all layers that give images, by name."""
    layers = [layer for layer in run.built.network.layers if _gives_maps(layer)]
    if not layers:
        raise InputError("no layer of the network gives feature maps", "choose a run of a convolutional network")
    outputs = outputs_of(run, layers, image[None])
    return {layer.name: output[0] for layer, output in zip(layers, outputs, strict=True)}


def _gives_maps(layer: Any) -> bool:
    import keras

    if isinstance(layer, keras.layers.InputLayer | keras.layers.Dropout):
        return False
    output = layer.output
    return not isinstance(output, list | dict | tuple) and len(output.shape) == 4
