"""A stack of layers listed in the recipe, one entry per row of the lecture's table."""

from typing import Annotated

import keras
from pydantic import Field

from dlkit.components.layers._masks import start_mask
from dlkit.components.layers._stack import stack
from dlkit.components.models._widths import narrow_layers
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec


def sequential(
    inputs: ArraySpec, targets: TargetSpec, *, layers: list, width_divisor: Annotated[int, Field(ge=1)] = 1
) -> keras.Model:
    """Build a stack of layers, each applied to the output of the previous one.

    inputs: shape and dtype of one preprocessed example; targets: unused, the last layer listed is the head.
    width_divisor: divides the filters and units of all layers except the last that has any, for quick trials.
    Sequences of different lengths arrive padded; padded steps never change an answer (see layers/_masks.py).
    Raises InputError at the first layer that rejects the output of the previous one.
    """
    del targets
    network_input = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    narrow = narrow_layers(layers, width_divisor) if width_divisor > 1 else layers
    return keras.Model(network_input, stack(narrow, *start_mask(network_input)))
