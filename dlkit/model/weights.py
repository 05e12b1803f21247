"""Show the weights of one layer of a run."""

from typing import Any

import numpy as np

from dlkit.errors import InputError, closest
from dlkit.model.trained import open_run
from dlkit.runs.directory import RunDirectory

MOST = 1000


def layer_weights(run: RunDirectory, layer: str) -> list[dict[str, Any]]:
    """Return name, shape and values of each weight of a layer; values of more than MOST numbers are None."""
    from dlkit.analysis.layers import table_layers

    layers = {item.name: item for item in table_layers(open_run(run).built.network) if item.weights}
    if layer not in layers:
        raise InputError(f"--weights {layer!r} is not a layer with weights", closest(layer, list(layers)))
    return [_described(weight.name, np.asarray(weight)) for weight in layers[layer].weights]


def _described(name: str, values: np.ndarray) -> dict[str, Any]:
    return {
        "name": name,
        "shape": list(values.shape),
        "values": values.tolist() if values.size <= MOST else None,
    }
