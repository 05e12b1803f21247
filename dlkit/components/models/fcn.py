"""Fully convolutional networks on VGG16: dense layers become convolutions, and class scores are upsampled."""

from typing import Annotated, Any, Literal

import keras
from pydantic import Field

from dlkit.components.initializers.bilinear import Bilinear
from dlkit.components.layers._pixel_classifier import probabilities, score_channels
from dlkit.components.layers.crop_like import CropLike
from dlkit.components.models._image_classifier import divided
from dlkit.components.models._vgg16 import FILTERS, vgg16_blocks
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

layers = keras.layers


def fcn(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    variant: Literal["32s", "16s", "8s"] = "32s",
    width_divisor: Annotated[int, Field(ge=1)] = 1,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5,
    activation: Literal["softmax", "sigmoid"] = "softmax",
) -> keras.Model:
    """Build FCN-32s, 16s or 8s: image in, mask of the same size out (deck 003; Long, Shelhamer and Darrell, 2015).

    32s upsamples the class scores 32 times by one transposed convolution (64x64, no bias), initialised to bilinear
    interpolation. 16s first adds the scores of the fourth pooling, 8s also those of the third. `width_divisor` divides
    all filters, for small trials.
    """
    channels = score_channels(len(targets.class_names), activation)
    image = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    pools = vgg16_blocks(image, [divided(n, width_divisor) for n in FILTERS], strides=[2] * 5, dilation=[1] * 5)
    x = pools[4]
    for name, kernel in (("fc6", 7), ("fc7", 1)):
        x = layers.Conv2D(divided(4096, width_divisor), kernel, padding="same", activation="relu", name=name)(x)
        x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    x = layers.Conv2D(channels, 1, name="score_fc7")(x)
    for block in {"32s": (), "16s": (4,), "8s": (4, 3)}[variant]:
        skip = layers.Conv2D(channels, 1, name=f"score_pool{block}")(pools[block - 1])
        x = CropLike(align="start", name=f"crop_pool{block}")([_upsampled(x, 2, f"upsample_pool{block}"), skip])
        x = layers.Add(name=f"add_pool{block}")([x, skip])
    x = _upsampled(x, int(variant.removesuffix("s")), "upsample")
    x = CropLike(align="start", name="crop")([x, image])
    return keras.Model(image, probabilities(x, activation), name=f"fcn{variant}")


def _upsampled(scores: Any, factor: int, name: str) -> Any:
    """Upsample scores by a transposed convolution with kernel size 2 factor, a multiple: no checkerboard artefacts."""
    settings = {"padding": "same", "use_bias": False, "kernel_initializer": Bilinear()}
    return layers.Conv2DTranspose(scores.shape[-1], 2 * factor, factor, name=name, **settings)(scores)
