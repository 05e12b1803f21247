"""The recipe's preprocess layers as a model of its own, which runs in front of the network everywhere."""

from typing import Any

import keras

from dlkit.components.layers._stack import stack
from dlkit.data.batches import examples
from dlkit.interfaces.data import ArraySpec, Split


def build_preprocess(spec: ArraySpec, layers: list[Any]) -> keras.Model:
    """The recipe's preprocess layers as a model of its own, from one example's shape and dtype to the network's input.

    Floating-point inputs and 8-bit pixels arrive in the training precision (bfloat16 is left to the network itself).
    """
    floatx = keras.config.floatx()
    inputs = keras.Input(spec.shape, dtype=spec.dtype, name="inputs")
    outputs = stack(layers, inputs)
    if outputs.dtype == "uint8" or (outputs.dtype.startswith("float") and outputs.dtype != floatx):
        outputs = keras.ops.cast(outputs, floatx)
    return keras.Model(inputs, outputs, name="preprocess")


def adapt(train: Split, *models: keras.Model, batch_size: int = 1000) -> None:
    """Let layers such as Normalization learn from train alone, unaugmented, each on what the ones before it give.

    models: preprocess, and the network behind it if that has such layers too.
    """
    for number, model in enumerate(models):
        for layer in model.layers:
            if hasattr(layer, "adapt") and getattr(layer, "input_mean", None) is None:
                batches = examples(train, batch_size).map(lambda indices, inputs, targets: inputs)
                for before in (*models[:number], keras.Model(model.input, layer.input)):
                    batches = batches.map(before)
                layer.adapt(batches)
