"""The head of a segmentation network: class probabilities for every pixel."""

from typing import Any

import keras

from dlkit.errors import InputError

layers = keras.layers


def score_channels(classes: int, activation: str) -> int:
    """Channels of the head: one for every class, or a single one for two classes and sigmoid."""
    if activation == "sigmoid":
        if classes != 2:
            raise InputError(f"one sigmoid channel tells two classes apart, there are {classes}", "use softmax")
        return 1
    if classes < 2:
        raise InputError("a segmentation network needs the classes of its data", "use task: segmentation")
    return classes


def pixel_classifier(x: Any, classes: int, activation: str, name: str = "head") -> Any:
    """A 1x1 convolution to the classes' scores, then softmax (or one channel and sigmoid), in full precision."""
    scores = layers.Conv2D(score_channels(classes, activation), 1, name=f"{name}_scores")(x)
    return probabilities(scores, activation, name)


def probabilities(scores: Any, activation: str, name: str = "head") -> Any:
    """Scores as probabilities, in full precision."""
    return layers.Activation(activation, dtype=keras.config.floatx(), name=f"{name}_{activation}")(scores)
