"""The residual stacks of ResNet50 (He et al., 2015), with atrous convolutions instead of late strides."""

from typing import Any

import keras

layers = keras.layers

BLOCKS = (3, 4, 6, 3)
EPSILON = 1.001e-5


def resnet50_features(image: Any, filters: int, strides: tuple[int, ...], rates: tuple[int, ...]) -> dict[str, Any]:
    """Return outputs by layer name (as in keras.applications) of the stem and one stack per stride, at most four.

    filters: of the stem, 64 in the original; strides: of the first block of each stack; rates: dilation of each stack.
    """
    x = layers.ZeroPadding2D(3, name="conv1_pad")(image)
    x = layers.Conv2D(filters, 7, strides=2, name="conv1_conv")(x)
    x = layers.Activation("relu", name="conv1_relu")(_normalised(x, "conv1_bn"))
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(layers.ZeroPadding2D(1, name="pool1_pad")(x))
    found = {"conv1_relu": x}
    for stack, (stride, rate) in enumerate(zip(strides, rates, strict=True)):
        for block in range(1, BLOCKS[stack] + 1):
            name = f"conv{stack + 2}_block{block}"
            x, middle = _bottleneck(x, filters * 2**stack, stride if block == 1 else 1, rate, block == 1, name)
            found |= {f"{name}_out": x, f"{name}_2_relu": middle}
    return found


def _bottleneck(x: Any, filters: int, stride: int, rate: int, project: bool, name: str) -> tuple[Any, Any]:
    """Apply 1x1, 3x3 and 1x1 convolutions with a shortcut; also return the output of the 3x3 convolution."""
    shortcut = x
    if project:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x)
        shortcut = _normalised(shortcut, f"{name}_0_bn")
    x = layers.Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x)
    x = layers.Activation("relu", name=f"{name}_1_relu")(_normalised(x, f"{name}_1_bn"))
    x = layers.Conv2D(filters, 3, padding="same", dilation_rate=rate, name=f"{name}_2_conv")(x)
    middle = layers.Activation("relu", name=f"{name}_2_relu")(_normalised(x, f"{name}_2_bn"))
    x = _normalised(layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(middle), f"{name}_3_bn")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.Activation("relu", name=f"{name}_out")(x), middle


def _normalised(x: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=EPSILON, name=name)(x)
