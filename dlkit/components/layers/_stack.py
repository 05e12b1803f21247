"""Layers fed one by the other; the one that cannot take what comes before it is named with its place in the recipe."""

from typing import Any

from dlkit.catalog.create import locate
from dlkit.errors import InputError, keras_reason


def stack(layers: list[Any], inputs: Any) -> Any:
    """The output of the last layer; InputError at the layer that cannot take its input."""
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
