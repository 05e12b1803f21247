"""The convolutions of VGG16 (Simonyan and Zisserman, 2014), as the backbone of fully convolutional networks."""

from typing import Any

import keras

layers = keras.layers

DEPTHS = (2, 2, 3, 3, 3)
FILTERS = [64, 128, 256, 512, 512]


def vgg16_blocks(x: Any, filters: list[int], strides: list[int], dilation: list[int]) -> list[Any]:
    """Return the outputs of the five blocks, including pooling; layer names are those of keras.applications.VGG16.

    strides: of the pooling of each block; dilation: rate of the convolutions of each block.
    """
    outputs = []
    for block, (depth, width, stride, rate) in enumerate(zip(DEPTHS, filters, strides, dilation, strict=True), 1):
        for index in range(1, depth + 1):
            settings = {"padding": "same", "activation": "relu", "dilation_rate": rate}
            x = layers.Conv2D(width, 3, name=f"block{block}_conv{index}", **settings)(x)
        x = layers.MaxPooling2D(2 if stride == 2 else 3, stride, padding="same", name=f"block{block}_pool")(x)
        outputs.append(x)
    return outputs
