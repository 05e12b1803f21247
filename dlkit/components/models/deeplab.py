"""DeepLab: atrous convolutions keep the resolution, and pyramids of them capture objects of several sizes."""

from typing import Annotated, Any, Literal

import keras
from pydantic import Field

from dlkit.components.layers._pixel_classifier import probabilities, score_channels
from dlkit.components.layers.bilinear_upsampling import BilinearUpsampling
from dlkit.components.layers.crop_like import CropLike
from dlkit.components.layers.image_level_features import ImageLevelFeatures
from dlkit.components.models._image_classifier import divided
from dlkit.components.models._resnet50 import resnet50_features
from dlkit.components.models._vgg16 import FILTERS, vgg16_blocks
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

layers = keras.layers


def deeplab(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    version: Literal["1", "2", "3", "3plus"] = "3plus",
    rates: list[Annotated[int, Field(gt=0)]] | None = None,
    separable: bool = False,
    width_divisor: Annotated[int, Field(ge=1)] = 1,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5,
    activation: Literal["softmax", "sigmoid"] = "softmax",
) -> keras.Model:
    """Build DeepLab 1, 2, 3 or 3+ (deck 003; Chen, 2015 to 2018), without the CRF of the first two.

    1: VGG16 whose last two poolings keep the size, with an atrous fifth block of rate 2, then one atrous convolution of
    rate 12. 2: instead, an atrous spatial pyramid (ASPP) with rates 6, 12, 18 and 24, whose scores are added.
    3: ResNet50 at a sixteenth of the size, a pyramid with batch normalisation, a 1x1 convolution and image-level
    features. 3plus: the same on the fourth stack of ResNet50, and a decoder that adds features at a quarter of the
    size, as in the public Keras example; with `separable`, its 3x3 convolutions are depthwise separable, atrous ones
    too. `rates` replaces the rates of the pyramid; `width_divisor` divides all filters, for small trials; `dropout`
    applies to versions 1 and 2.
    """
    if separable and version != "3plus":
        raise InputError(f"DeepLab {version} has no separable convolutions", "use version: 3plus", key="separable")
    channels = score_channels(len(targets.class_names), activation)
    image = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    if version in ("1", "2"):
        pyramid = rates or ([12] if version == "1" else [6, 12, 18, 24])
        x = _vgg_scores(image, channels, pyramid, width_divisor, dropout)
        factor = 8
    elif version == "3":
        features = resnet50_features(image, divided(64, width_divisor), (1, 2, 2, 1), (1, 1, 1, 2))
        x = _pyramid(features["conv5_block3_out"], rates or [6, 12, 18], divided(256, width_divisor))
        x = layers.Conv2D(channels, 1, name="scores")(x)
        factor = 16
    else:
        features = resnet50_features(image, divided(64, width_divisor), (1, 2, 2), (1, 1, 1))
        x = _pyramid(features["conv4_block6_2_relu"], rates or [6, 12, 18], divided(256, width_divisor), separable)
        x = _decoder(x, features["conv2_block3_2_relu"], width_divisor, separable)
        x = layers.Conv2D(channels, 1, name="scores")(x)
        factor = 4
    x = BilinearUpsampling(size=factor, name="upsample")(x)
    x = CropLike(align="start", name="crop")([x, image])
    return keras.Model(image, probabilities(x, activation), name=f"deeplabv{version}")


def _vgg_scores(image: Any, channels: int, rates: list[int], divisor: int, dropout: float) -> Any:
    """Return class scores at an eighth of the size: the sum of one branch per rate."""
    filters = [divided(number, divisor) for number in FILTERS]
    x = vgg16_blocks(image, filters, strides=[2, 2, 2, 1, 1], dilation=[1, 1, 1, 1, 2])[-1]
    branches = []
    for rate in rates:
        branch, name = x, f"aspp{rate}"
        for index, (kernel, dilation) in enumerate(((3, rate), (1, 1)), 6):
            settings = {"padding": "same", "activation": "relu", "dilation_rate": dilation}
            branch = layers.Conv2D(divided(1024, divisor), kernel, name=f"{name}_fc{index}", **settings)(branch)
            branch = layers.Dropout(dropout, name=f"{name}_dropout{index}")(branch)
        branches.append(layers.Conv2D(channels, 1, name=f"{name}_scores")(branch))
    return branches[0] if len(branches) == 1 else layers.Add(name="aspp_sum")(branches)


def _pyramid(x: Any, rates: list[int], filters: int, separable: bool = False) -> Any:
    """Concatenate image-level features, a 1x1 convolution and one atrous convolution per rate, then project them."""
    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="aspp_pool")(x)
    pooled = _convolved(pooled, filters, 1, 1, "aspp_pool", use_bias=True)
    branches = [ImageLevelFeatures(name="aspp_pool_spread")([pooled, x]), _convolved(x, filters, 1, 1, "aspp1")]
    branches += [_convolved(x, filters, 3, rate, f"aspp{rate}_atrous", separable=separable) for rate in rates]
    joined = layers.Concatenate(name="aspp_concat")(branches)
    return _convolved(joined, filters, 1, 1, "aspp")


def _decoder(x: Any, low: Any, divisor: int, separable: bool) -> Any:
    """Upsample the pyramid's output four times, join it with reduced low-level features, and convolve twice."""
    x = BilinearUpsampling(size=4, name="decoder_upsample")(x)
    x = CropLike(align="start", name="decoder_crop")([x, low])
    low = _convolved(low, divided(48, divisor), 1, 1, "decoder_low")
    x = layers.Concatenate(name="decoder_concat")([x, low])
    for index in (1, 2):
        x = _convolved(x, divided(256, divisor), 3, 1, f"decoder{index}", separable=separable)
    return x


def _convolved(
    x: Any, filters: int, kernel: int, rate: int, name: str, use_bias: bool = False, separable: bool = False
) -> Any:
    settings: dict[str, Any] = {"padding": "same", "dilation_rate": rate, "use_bias": use_bias, "name": f"{name}_conv"}
    if separable:
        initial = {"depthwise_initializer": "he_normal", "pointwise_initializer": "he_normal"}
        x = layers.SeparableConv2D(filters, kernel, **settings, **initial)(x)
    else:
        x = layers.Conv2D(filters, kernel, kernel_initializer="he_normal", **settings)(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
