"""What image classifiers share: the check of their input, divided widths, fully connected layers and the head."""

from typing import Any

import keras
from keras import layers

from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

# ReLU halves the variance of what passes it; this start makes up for it (He et al., 2015).
INITIALIZER = "he_normal"


def image_input(inputs: ArraySpec, network: str, smallest: int, varying: bool = False) -> Any:
    """The Input of a network for images (height, width, channels) of at least `smallest` pixels a side.

    varying: whether height and width may be unknown. Raises InputError when the data has another shape.
    """
    check_image(inputs, network)
    sizes = inputs.shape[:2]
    if None in sizes and not varying:
        raise InputError(f"{network} needs images of one size, they vary here", "add data.resize")
    if min(size or smallest for size in sizes) < smallest:
        shown = "x".join("?" if size is None else str(size) for size in sizes)
        raise InputError(
            f"{network} needs images of at least {smallest}x{smallest} pixels, they have {shown}",
            "give larger images, or data.resize them",
        )
    return keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")


def check_image(inputs: ArraySpec, network: str) -> None:
    """Raise InputError when an example is no image (height, width, channels) with a known number of channels."""
    if len(inputs.shape) != 3:
        raise InputError(
            f"{network} takes images (height, width, channels), an example here has the shape {list(inputs.shape)}",
            "use image data, and no Flatten in data.preprocess",
        )
    if inputs.shape[-1] is None:
        raise InputError(f"{network} needs to know the number of channels", "declare it in data.source")


def outputs_of(targets: TargetSpec, network: str) -> tuple[int, str]:
    """Units and activation of the head: softmax over classes, linear values otherwise."""
    if len(targets.shape) != 1 or targets.shape[0] is None:
        raise InputError(
            f"{network} gives one vector for an image, the task wants the shape {list(targets.shape)}",
            "use a model for this task, see `dlkit list models`",
        )
    return targets.shape[0], "softmax" if targets.class_names else "linear"


def head(x: Any, targets: TargetSpec, network: str, name: str) -> Any:
    """The last Dense layer: one unit for each class or value."""
    units, activation = outputs_of(targets, network)
    return layers.Dense(units, activation=activation, name=name)(x)


def divided(width: int, divisor: int) -> int:
    """A width divided by the setting `width_divisor`, at least 1."""
    return max(1, width // divisor)


def fully_connected(x: Any, targets: TargetSpec, network: str, units: int, dropout: float) -> Any:
    """fc6, fc7 and fc8 of AlexNet and its like, each of the first two followed by Dropout where there is any."""
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc6", "fc7"):
        x = layers.Dense(units, activation="relu", kernel_initializer=INITIALIZER, name=name)(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return head(x, targets, network, "fc8")
