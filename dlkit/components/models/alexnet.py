"""AlexNet: five convolutions and three fully connected layers (Krizhevsky, Sutskever and Hinton, 2012)."""

from typing import Annotated

import keras
from keras import layers
from pydantic import Field

from dlkit.components.models._image_classifier import INITIALIZER, divided, fully_connected, image_input
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

# name, filters, kernel size, whether it is split in the grouped network, whether 3x3/2 pooling follows
CONVOLUTIONS = (
    ("conv1", 96, 11, False, True),
    ("conv2", 256, 5, True, True),
    ("conv3", 384, 3, False, False),
    ("conv4", 384, 3, True, False),
    ("conv5", 256, 3, True, True),
)


def alexnet(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    grouped: bool = False,
    strides: Annotated[int, Field(ge=1)] = 4,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    width_divisor: Annotated[int, Field(ge=1)] = 1,
) -> keras.Model:
    """Build AlexNet as in the table of deck 000: one tower, no local response normalisation, softmax at the end.

    grouped: conv2, conv4 and conv5 see half of the channels, as on the paper's two GPUs; strides: of conv1, smaller
    for small images; dropout: after fc6 and fc7 (0.5 in the paper, omitted in the deck).
    """
    # Three 3x3/2 poolings reduce 15 pixels to one.
    network_input = x = image_input(inputs, "alexnet", smallest=11 + 14 * strides)
    for name, filters, kernel, split, pooled in CONVOLUTIONS:
        x = layers.Conv2D(
            divided(filters, width_divisor),
            kernel,
            strides=strides if name == "conv1" else 1,
            padding="valid" if name == "conv1" else "same",
            groups=2 if grouped and split else 1,
            activation="relu",
            kernel_initializer=INITIALIZER,
            name=name,
        )(x)
        if pooled:
            x = layers.MaxPooling2D(3, strides=2, name=name.replace("conv", "pool"))(x)
    outputs = fully_connected(x, targets, "alexnet", divided(4096, width_divisor), dropout)
    return keras.Model(network_input, outputs, name="alexnet")
