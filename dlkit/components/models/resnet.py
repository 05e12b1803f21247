"""Residual networks for small images: 6n + 2 layers (He et al., 2015, section 4.2)."""

from typing import Annotated, Any, Literal

import keras
from keras import layers
from pydantic import Field

from dlkit.components.layers.channel_padding import ChannelPadding
from dlkit.components.models._image_classifier import INITIALIZER, divided, head, image_input
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

WIDTHS = (16, 32, 64)


def resnet(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    depth: int = 20,
    shortcut: Literal["identity", "projection"] = "identity",
    width_divisor: Annotated[int, Field(ge=1)] = 1,
) -> keras.Model:
    """Build a residual network for images of about 32 pixels; for ImageNet use `application: {name: ResNet50}`.

    depth: 6n + 2 for 3 stacks of n blocks (20, 32, 44, 56, 110); shortcut: where a stack changes the size, `identity`
    takes every second pixel and adds zero channels, without parameters (option A), and `projection` is a 1x1
    convolution (option B).
    """
    if depth < 8 or (depth - 2) % 6:
        raise InputError(f"depth {depth} is not 6n + 2", f"the nearest is {6 * max(1, round((depth - 2) / 6)) + 2}")
    network_input = image_input(inputs, "resnet", smallest=8, varying=True)
    x = _normalized(_conv(network_input, divided(WIDTHS[0], width_divisor), 3, 1, "conv1"), "conv1")
    x = layers.ReLU(name="conv1_relu")(x)
    for number, width in enumerate(WIDTHS, 1):
        strides = 1 if number == 1 else 2
        x = _stack(x, divided(width, width_divisor), (depth - 2) // 6, strides, shortcut, f"stack{number}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(network_input, head(x, targets, "resnet", "output"), name=f"resnet{depth}")


def _stack(x: Any, filters: int, blocks: int, strides: int, shortcut: str, name: str) -> Any:
    """Apply blocks of one width, the first with strides."""
    for number in range(1, blocks + 1):
        x = _block(x, filters, strides if number == 1 else 1, shortcut, f"{name}_block{number}")
    return x


def _block(x: Any, filters: int, strides: int, shortcut: str, name: str) -> Any:
    """Apply two 3x3 convolutions and add the block's input to their result."""
    y = _normalized(_conv(x, filters, 3, strides, f"{name}_conv1"), f"{name}_conv1")
    y = layers.ReLU(name=f"{name}_relu1")(y)
    y = _normalized(_conv(y, filters, 3, 1, f"{name}_conv2"), f"{name}_conv2")
    if strides > 1:
        x = _shortcut(x, filters, strides, shortcut, f"{name}_shortcut")
    return layers.ReLU(name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([x, y]))


def _shortcut(x: Any, filters: int, strides: int, shortcut: str, name: str) -> Any:
    if shortcut == "projection":
        return _normalized(_conv(x, filters, 1, strides, name), name)
    x = layers.MaxPooling2D(1, strides=strides, padding="same", name=f"{name}_pixels")(x)
    return ChannelPadding(channels=filters, name=name)(x)


def _conv(x: Any, filters: int, kernel: int, strides: int, name: str) -> Any:
    return layers.Conv2D(
        filters, kernel, strides=strides, padding="same", use_bias=False, kernel_initializer=INITIALIZER, name=name
    )(x)


def _normalized(x: Any, name: str) -> Any:
    return layers.BatchNormalization(name=f"{name}_bn")(x)
