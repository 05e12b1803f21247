"""The head of a segmentation network: class probabilities for every pixel."""

from typing import Any

import keras

from dlkit.errors import InputError

layers = keras.layers


def score_channels(classes: int, activation: str) -> int:
    """Return the number of head channels: one per class, or a single one for two classes with sigmoid."""
    if activation == "sigmoid":
        if classes != 2:
            raise InputError(f"one sigmoid channel separates two classes, but there are {classes}", "use softmax")
        return 1
    if classes < 2:
        raise InputError("a segmentation network needs class targets", "use task: segmentation")
    return classes


def pixel_classifier(x: Any, classes: int, activation: str, name: str = "head") -> Any:
    """Apply a 1x1 convolution to class logits, then softmax (or one sigmoid channel), in full precision."""
    scores = layers.Conv2D(score_channels(classes, activation), 1, name=f"{name}_scores")(x)
    return probabilities(scores, activation, name)


def probabilities(scores: Any, activation: str, name: str = "head") -> Any:
    """Convert logits to probabilities in full precision."""
    return layers.Activation(activation, dtype=keras.config.floatx(), name=f"{name}_{activation}")(scores)
