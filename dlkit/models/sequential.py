"""A stack of layers written out in the recipe, one entry per row of the lecture's table."""

from typing import Any

import keras

from dlkit.components import locate
from dlkit.datasets._dataset import ArraySpec
from dlkit.errors import InputError
from dlkit.tasks._task import TargetSpec


def sequential(inputs: ArraySpec, targets: TargetSpec, *, layers: list) -> keras.Model:
    """A stack of layers, each fed by the one before.

    inputs: shape and dtype of one preprocessed example; targets: unused, the last layer is the head as written.
    Raises InputError at the layer that cannot take what the layer before it gives.
    """
    del targets
    network_input = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    outputs = network_input
    for layer in layers:
        outputs = _apply(layer, outputs)
    return keras.Model(network_input, outputs)


def _apply(layer: Any, inputs: Any) -> Any:
    try:
        return layer(inputs)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{type(layer).__name__} cannot take an input of shape {list(inputs.shape[1:])}: {_reason(error)}",
            "change this layer's settings or a layer before it",
            location=locate(layer),
        ) from error


def _reason(error: Exception) -> str:
    """Keras' own explanation: its first non-empty line, without the note on which call it came from."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("Exception encountered", "Arguments received"))] or lines
    return lines[0] if lines else type(error).__name__
