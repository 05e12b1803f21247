"""ZFNet: AlexNet with a finer first layer (Zeiler and Fergus, 2013)."""

from typing import Annotated

import keras
from keras import layers
from pydantic import Field

from dlkit.components.models._image_classifier import INITIALIZER, divided, fully_connected, image_input
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

# name, filters, kernel size, strides, padding: 224 pixels become 110, 26 and 13
CONVOLUTIONS = (
    ("conv1", 96, 7, 2, "valid"),
    ("conv2", 256, 5, 2, "valid"),
    ("conv3", 384, 3, 1, "same"),
    ("conv4", 384, 3, 1, "same"),
    ("conv5", 256, 3, 1, "same"),
)
# The paper's 110 -> 55 and 26 -> 13 round up, its 13 -> 6 rounds down.
POOLINGS = {"conv1": "same", "conv2": "same", "conv5": "valid"}


def zfnet(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    width_divisor: Annotated[int, Field(ge=1)] = 1,
) -> keras.Model:
    """Build ZFNet without contrast normalisation: conv1 7x7/2 on padded images, conv2 5x5/2, the rest as AlexNet.

    dropout: after fc6 and fc7 (0.5 in the paper).
    """
    network_input = image_input(inputs, "zfnet", smallest=53)
    x = layers.ZeroPadding2D(1, name="conv1_padding")(network_input)
    for name, filters, kernel, strides, padding in CONVOLUTIONS:
        x = layers.Conv2D(
            divided(filters, width_divisor),
            kernel,
            strides=strides,
            padding=padding,
            activation="relu",
            kernel_initializer=INITIALIZER,
            name=name,
        )(x)
        if name in POOLINGS:
            x = layers.MaxPooling2D(3, strides=2, padding=POOLINGS[name], name=name.replace("conv", "pool"))(x)
    outputs = fully_connected(x, targets, "zfnet", divided(4096, width_divisor), dropout)
    return keras.Model(network_input, outputs, name="zfnet")
