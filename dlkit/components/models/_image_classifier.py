"""Parts shared by image classifiers: input checks, divided widths, fully connected layers and the head."""

from typing import Any

import keras
from keras import layers

from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

# Compensates for ReLU, which halves the variance of the activations (He et al., 2015).
INITIALIZER = "he_normal"


def image_input(inputs: ArraySpec, network: str, smallest: int, varying: bool = False) -> Any:
    """Return the Input of a network for images (height, width, channels) of at least `smallest` pixels per side.

    varying: whether height and width may be unknown. Raises InputError if the data has a different shape.
    """
    check_image(inputs, network)
    sizes = inputs.shape[:2]
    if None in sizes and not varying:
        raise InputError(f"{network} needs images of one size, but their sizes vary", "add data.resize")
    if min(size or smallest for size in sizes) < smallest:
        shown = "x".join("?" if size is None else str(size) for size in sizes)
        raise InputError(
            f"{network} needs images of at least {smallest}x{smallest} pixels, but they have {shown}",
            "use larger images, or enlarge them with data.resize",
        )
    return keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")


def check_image(inputs: ArraySpec, network: str) -> None:
    """Raise InputError unless examples are images (height, width, channels) with a known number of channels."""
    if len(inputs.shape) != 3:
        raise InputError(
            f"{network} takes images (height, width, channels), but examples have the shape {list(inputs.shape)}",
            "use image data without Flatten in data.preprocess",
        )
    if inputs.shape[-1] is None:
        raise InputError(f"{network} needs to know the number of channels", "declare it in data.source")


def outputs_of(targets: TargetSpec, network: str) -> tuple[int, str]:
    """Return units and activation of the head: softmax for classes, linear otherwise."""
    if len(targets.shape) != 1 or targets.shape[0] is None:
        raise InputError(
            f"{network} returns one vector per image, but the task needs the shape {list(targets.shape)}",
            "use a model for this task, see `dlkit list models`",
        )
    return targets.shape[0], "softmax" if targets.class_names else "linear"


def head(x: Any, targets: TargetSpec, network: str, name: str) -> Any:
    """Apply the last Dense layer, with one unit per class or value."""
    units, activation = outputs_of(targets, network)
    return layers.Dense(units, activation=activation, name=name)(x)


def divided(width: int, divisor: int) -> int:
    """Return a width divided by the setting `width_divisor`, at least 1."""
    return max(1, width // divisor)


def fully_connected(x: Any, targets: TargetSpec, network: str, units: int, dropout: float) -> Any:
    """Apply fc6, fc7 and fc8 of AlexNet and similar networks, with Dropout after fc6 and fc7 if the rate is not 0."""
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc6", "fc7"):
        x = layers.Dense(units, activation="relu", kernel_initializer=INITIALIZER, name=name)(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return head(x, targets, network, "fc8")
