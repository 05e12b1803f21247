"""Chaining of layers, with errors that give the recipe location of the layer that rejects its input."""

from typing import Any

from dlkit.catalog.create import locate
from dlkit.errors import InputError, keras_reason


def stack(layers: list[Any], inputs: Any) -> Any:
    """Return the output of the last layer; raise InputError at the first layer that rejects its input."""
    outputs = inputs
    for layer in layers:
        outputs = _apply(layer, outputs)
    return outputs


def _apply(layer: Any, inputs: Any) -> Any:
    try:
        return layer(inputs)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{type(layer).__name__} cannot take an input of shape {list(inputs.shape[1:])}: {keras_reason(error)}",
            "change this layer's settings or a layer before it",
            location=locate(layer),
        ) from error
