"""A stack of layers written out in the recipe, one entry per row of the lecture's table."""

import keras

from dlkit.datasets._dataset import ArraySpec
from dlkit.layers._stack import stack
from dlkit.tasks._task import TargetSpec


def sequential(inputs: ArraySpec, targets: TargetSpec, *, layers: list) -> keras.Model:
    """A stack of layers, each fed by the one before.

    inputs: shape and dtype of one preprocessed example; targets: unused, the last layer is the head as written.
    Raises InputError at the layer that cannot take what the layer before it gives.
    """
    del targets
    network_input = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    return keras.Model(network_input, stack(layers, network_input))
