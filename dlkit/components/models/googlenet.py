"""GoogLeNet: nine inception modules, and two auxiliary heads for training (Szegedy et al., 2014)."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import keras
from keras import layers
from pydantic import Field

from dlkit.components.models._image_classifier import INITIALIZER, divided, head, image_input
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

# Filters of 1x1 | 1x1 before 3x3, 3x3 | 1x1 before 5x5, 5x5 | 1x1 after pooling (table 1 of the paper).
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
POOLED_AFTER = {"3b": "pool3", "4e": "pool4"}
AUXILIARY_AFTER = {"4a": "auxiliary_1", "4d": "auxiliary_2"}


@dataclass(frozen=True)
class _Blocks:
    """The blocks of the network, all with the same width divisor."""

    targets: TargetSpec
    width_divisor: int
    normalized: bool

    def conv(self, x: Any, filters: int, kernel: int, name: str, strides: int = 1) -> Any:
        """Apply a convolution and ReLU, with batch normalisation between them if `normalized`."""
        width, activation = divided(filters, self.width_divisor), None if self.normalized else "relu"
        x = layers.Conv2D(
            width,
            kernel,
            strides=strides,
            padding="same",
            activation=activation,
            kernel_initializer=INITIALIZER,
            name=name,
        )(x)
        if not self.normalized:
            return x
        x = layers.BatchNormalization(name=f"{name}_bn")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    def inception(self, x: Any, name: str) -> Any:
        """Concatenate four paths: 1x1, 3x3 and 5x5 (each after a 1x1 reduction), and pooling followed by 1x1."""
        one, reduce_3, three, reduce_5, five, pooled = MODULES[name]
        paths = [
            self.conv(x, one, 1, f"{name}_1x1"),
            self.conv(self.conv(x, reduce_3, 1, f"{name}_3x3_reduce"), three, 3, f"{name}_3x3"),
            self.conv(self.conv(x, reduce_5, 1, f"{name}_5x5_reduce"), five, 5, f"{name}_5x5"),
            self.conv(pool(x, f"{name}_pool", strides=1), pooled, 1, f"{name}_pool_1x1"),
        ]
        return layers.Concatenate(name=name)(paths)

    def auxiliary(self, x: Any, name: str, dropout: float) -> Any:
        """Apply an auxiliary head: 5x5/3 average pooling, 1x1, Dense 1024, Dropout, classes."""
        x = layers.AveragePooling2D(5, strides=3, name=f"{name}_pool")(x)
        x = layers.Flatten(name=f"{name}_flatten")(self.conv(x, 128, 1, f"{name}_conv"))
        units = divided(1024, self.width_divisor)
        x = layers.Dense(units, activation="relu", kernel_initializer=INITIALIZER, name=f"{name}_dense")(x)
        return head(layers.Dropout(dropout, name=f"{name}_dropout")(x), self.targets, "googlenet", name)


def googlenet(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    auxiliary: bool = False,
    stem: Literal["large", "small"] = "large",
    batch_normalization: bool = False,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.4,
    auxiliary_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.7,
    width_divisor: Annotated[int, Field(ge=1)] = 1,
) -> keras.Model:
    """Build GoogLeNet without local response normalisation, optionally with two auxiliary heads for the loss.

    The main output is `output`; `auxiliary` adds the other two. stem: `large` divides the size by 8 before the first
    inception module, `small` keeps it, for images of about 32 pixels; batch_normalization: after every convolution, as
    in the second version of the network.
    """
    smallest = {"large": (32, 65), "small": (8, 9)}[stem][auxiliary]
    network_input = image_input(inputs, "googlenet", smallest, varying=not auxiliary)
    blocks = _Blocks(targets, width_divisor, batch_normalization)
    x, heads = _stem(blocks, network_input, stem), {}
    for name in MODULES:
        x = blocks.inception(x, name)
        if auxiliary and name in AUXILIARY_AFTER:
            heads[AUXILIARY_AFTER[name]] = blocks.auxiliary(x, AUXILIARY_AFTER[name], auxiliary_dropout)
        if name in POOLED_AFTER:
            x = pool(x, POOLED_AFTER[name])
    x = layers.GlobalAveragePooling2D(name="pool5")(x)
    output = head(layers.Dropout(dropout, name="dropout")(x), targets, "googlenet", "output")
    return keras.Model(network_input, {"output": output, **heads} if heads else output, name="googlenet")


def pool(x: Any, name: str, strides: int = 2) -> Any:
    """Apply 3x3 max pooling with `same` padding, which rounds sizes up."""
    return layers.MaxPooling2D(3, strides=strides, padding="same", name=name)(x)


def _stem(blocks: _Blocks, x: Any, stem: str) -> Any:
    """Apply three convolutions: 7x7/2, 1x1 and 3x3 with two poolings, or 3x3, 1x1 and 3x3 without pooling."""
    large = stem == "large"
    x = blocks.conv(x, 64, 7 if large else 3, "conv1", strides=2 if large else 1)
    x = pool(x, "pool1") if large else x
    x = blocks.conv(blocks.conv(x, 64, 1, "conv2_reduce"), 192, 3, "conv2")
    return pool(x, "pool2") if large else x
