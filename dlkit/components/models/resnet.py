"""Residual networks for small images: 6n + 2 layers (He et al., 2015, section 4.2)."""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Style:
    """What all blocks of a network have in common."""

    shortcut: str
    residual: bool
    activation: str
    batch_norm: bool


def resnet(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    depth: int = 20,
    shortcut: Literal["identity", "projection"] = "identity",
    residual: bool = True,
    activation: Literal["relu", "sigmoid", "tanh"] = "relu",
    batch_norm: bool = True,
    width_divisor: Annotated[int, Field(ge=1)] = 1,
) -> keras.Model:
    """Build a residual network for images of about 32 pixels; for ImageNet use `application: {name: ResNet50}`.

    depth: 6n + 2 for 3 stacks of n blocks (20, 32, 44, 56, 110); shortcut: where a stack changes the size, `identity`
    takes every second pixel and adds zero channels, without parameters (option A), and `projection` is a 1x1
    convolution (option B). residual: false leaves all shortcuts out, which gives the paper's plain network.
    activation and batch_norm are there to compare gradients (`dlkit gradients`); convolutions without batch norm have
    biases.
    """
    if depth < 8 or (depth - 2) % 6:
        raise InputError(f"depth {depth} is not 6n + 2", f"the nearest is {6 * max(1, round((depth - 2) / 6)) + 2}")
    style = _Style(shortcut, residual, activation, batch_norm)
    network_input = image_input(inputs, "resnet", smallest=8, varying=True)
    x = _conv(network_input, divided(WIDTHS[0], width_divisor), 3, 1, "conv1", style)
    x = _active(x, "conv1", "", style)
    for number, width in enumerate(WIDTHS, 1):
        strides = 1 if number == 1 else 2
        x = _stack(x, divided(width, width_divisor), (depth - 2) // 6, strides, f"stack{number}", style)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(
        network_input, head(x, targets, "resnet", "output"), name=f"{'resnet' if residual else 'plain'}{depth}"
    )


def _stack(x: Any, filters: int, blocks: int, strides: int, name: str, style: _Style) -> Any:
    """Apply blocks of one width, the first with strides."""
    for number in range(1, blocks + 1):
        x = _block(x, filters, strides if number == 1 else 1, f"{name}_block{number}", style)
    return x


def _block(x: Any, filters: int, strides: int, name: str, style: _Style) -> Any:
    """Apply two 3x3 convolutions and add the block's input to their result, or not in a plain network."""
    y = _conv(x, filters, 3, strides, f"{name}_conv1", style)
    y = _active(y, name, "1", style)
    y = _conv(y, filters, 3, 1, f"{name}_conv2", style)
    if style.residual:
        x = _shortcut(x, filters, strides, f"{name}_shortcut", style) if strides > 1 else x
        y = layers.Add(name=f"{name}_add")([x, y])
    return _active(y, name, "2", style)


def _shortcut(x: Any, filters: int, strides: int, name: str, style: _Style) -> Any:
    if style.shortcut == "projection":
        return _conv(x, filters, 1, strides, name, style)
    x = layers.MaxPooling2D(1, strides=strides, padding="same", name=f"{name}_pixels")(x)
    return ChannelPadding(channels=filters, name=name)(x)


def _conv(x: Any, filters: int, kernel: int, strides: int, name: str, style: _Style) -> Any:
    """Apply a convolution, and batch norm unless the network has none."""
    settings = {"padding": "same", "use_bias": not style.batch_norm, "kernel_initializer": INITIALIZER}
    x = layers.Conv2D(filters, kernel, strides=strides, name=name, **settings)(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x) if style.batch_norm else x


def _active(x: Any, name: str, number: str, style: _Style) -> Any:
    name = f"{name}_{style.activation}{number}"
    return (
        layers.ReLU(name=name)(x) if style.activation == "relu" else layers.Activation(style.activation, name=name)(x)
    )
