"""U-Net: an encoder, a decoder, and skip connections between blocks of the same size."""

from typing import Annotated, Any, Literal

import keras
from pydantic import Field

from dlkit.components.layers._pixel_classifier import pixel_classifier
from dlkit.components.layers.bilinear_upsampling import BilinearUpsampling
from dlkit.components.layers.crop_like import CropLike
from dlkit.components.layers.max_pooling_with_indices import MaxPoolingWithIndices
from dlkit.components.layers.max_unpooling import MaxUnpooling
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

layers = keras.layers


def unet(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    depth: Annotated[int, Field(ge=1, le=8)] = 4,
    filters: Annotated[int, Field(gt=0)] = 64,
    kernel_size: Annotated[int, Field(gt=0)] = 3,
    padding: Literal["same", "valid"] = "same",
    upsampling: Literal["transposed", "nearest", "bilinear", "unpooling"] = "transposed",
    batch_normalization: bool = False,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    activation: Literal["softmax", "sigmoid"] = "softmax",
    kernel_initializer: Any = "he_normal",
) -> keras.Model:
    """Build a U-Net with `depth` poolings and twice the filters after each (deck 003; Ronneberger, 2015).

    The original has depth 4, 64 filters, padding valid (skip connections are cropped) and transposed upsampling: 572
    pixels become 388. With padding same, the output is as large as the input, whose size must be divisible by 2^depth.
    `dropout` follows the two lowest encoder blocks. With sigmoid, there is one channel for two classes.
    """
    block = _Block(kernel_size, padding, batch_normalization, kernel_initializer)
    image = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    _check_size(inputs.shape, depth, padding)
    x, skips = image, []
    for level in range(1, depth + 1):
        x = block(x, filters * 2 ** (level - 1), f"encoder{level}")
        if dropout and level == depth:
            x = layers.Dropout(dropout, name=f"encoder{level}_dropout")(x)
        skips.append((x, *_pooled(x, level, upsampling)))
        x = skips[-1][1]
    x = block(x, filters * 2**depth, "bottom")
    if dropout:
        x = layers.Dropout(dropout, name="bottom_dropout")(x)
    for level in range(depth, 0, -1):
        skip, _, indices = skips[level - 1]
        width, name = filters * 2 ** (level - 1), f"decoder{level}"
        x = _upsampled(x, indices, width, upsampling, kernel_initializer, name)
        if padding == "valid":
            skip = CropLike(name=f"{name}_crop")([skip, x])
        x = block(layers.Concatenate(name=f"{name}_concat")([skip, x]), width, name)
    return keras.Model(image, pixel_classifier(x, len(targets.class_names), activation), name="unet")


class _Block:
    """Two convolutions, each followed by ReLU, with optional batch normalisation in between."""

    def __init__(self, kernel_size: int, padding: str, batch_normalization: bool, kernel_initializer: Any) -> None:
        self.convolution = {
            "kernel_size": kernel_size,
            "padding": padding,
            "kernel_initializer": kernel_initializer,
            "use_bias": not batch_normalization,
        }
        self.batch_normalization = batch_normalization

    def __call__(self, x: Any, filters: int, name: str) -> Any:
        for index in (1, 2):
            x = layers.Conv2D(filters, name=f"{name}_conv{index}", **self.convolution)(x)
            if self.batch_normalization:
                x = layers.BatchNormalization(name=f"{name}_bn{index}")(x)
            x = layers.ReLU(name=f"{name}_relu{index}")(x)
        return x


def _pooled(x: Any, level: int, upsampling: str) -> tuple[Any, Any]:
    """Halve the size; also return the positions of the maxima if they are needed for unpooling."""
    if upsampling == "unpooling":
        pooled, indices = MaxPoolingWithIndices(name=f"encoder{level}_pool")(x)
        return pooled, indices
    return layers.MaxPooling2D(name=f"encoder{level}_pool")(x), None


def _upsampled(x: Any, indices: Any, filters: int, upsampling: str, kernel_initializer: Any, name: str) -> Any:
    """Double the size and set the channels to `filters`, by one of the four methods of the deck."""
    if upsampling == "transposed":
        initial = {"kernel_initializer": kernel_initializer}
        return layers.Conv2DTranspose(filters, 2, strides=2, name=f"{name}_up", **initial)(x)
    reduced = layers.Conv2D(filters, 1, name=f"{name}_reduce", kernel_initializer=kernel_initializer)(x)
    if upsampling == "unpooling":
        return MaxUnpooling(name=f"{name}_up")([reduced, indices])
    if upsampling == "bilinear":
        return BilinearUpsampling(name=f"{name}_up")(reduced)
    return layers.UpSampling2D(name=f"{name}_up")(reduced)


def _check_size(shape: tuple[int | None, ...], depth: int, padding: str) -> None:
    """Raise InputError for other than images, or with padding same for sizes not divisible by 2^depth."""
    if len(shape) != 3:
        raise InputError(f"unet takes images, but examples have the shape {list(shape)}", "use image data")
    wrong = [size for size in shape[:2] if size is not None and size % 2**depth]
    if wrong and padding == "same":
        raise InputError(
            f"the image size {wrong[0]} is not divisible by 2^depth = {2**depth}",
            f"resize to a multiple of {2**depth}, such as {-(-wrong[0] // 2**depth) * 2**depth}",
        )
