"""Chaining of layers, with errors that give the recipe location of the layer that rejects its input."""

from typing import Any

from dlkit.catalog.create import locate
from dlkit.components.layers._masks import Masked, filled, masked_call
from dlkit.errors import InputError, keras_reason, located


def stack(layers: list[Any], inputs: Any, mask: Any = None) -> Any:
    """Return the output of the last layer; raise InputError at the first layer that rejects its input.

    mask: bool (n, steps), which steps of the inputs are not padding (see _masks.py); padded steps of the output are 0.
    """
    outputs = inputs
    for layer in layers:
        outputs, mask = _apply(layer, outputs, mask)
    return outputs if mask is None else filled(outputs, mask)


def _apply(layer: Any, inputs: Any, mask: Any) -> Masked:
    try:
        return masked_call(layer, inputs, mask)
    except InputError as error:
        raise located(error, locate(layer)) from error
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{type(layer).__name__} cannot take an input of shape {list(inputs.shape[1:])}: {keras_reason(error)}",
            "change this layer's settings or a layer before it",
            location=locate(layer),
        ) from error
