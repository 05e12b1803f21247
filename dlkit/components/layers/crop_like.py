"""Cropping of a tensor to the height and width of another."""

from typing import Any, Literal

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise


def cropped(x: Any, height: Any, width: Any, align: str = "centre") -> Any:
    """Return the central part of x (n, h, w, ...) of this height and width; aligned at the start, the upper left."""
    shape = ops.shape(x)
    top, left = ((shape[1] - height) // 2, (shape[2] - width) // 2) if align == "centre" else (0, 0)
    return x[:, top : top + height, left : left + width]


@keras.saving.register_keras_serializable(package="dlkit")
class CropLike(keras.layers.Layer):
    """Crops the first of two tensors (n, h, w, c) to the height and width of the second.

    With align `centre` the middle is kept: the U-Net of deck 003 crops its skip connections this way, because its
    convolutions are unpadded. With `start` the upper left is kept: upsampled maps larger than the image lose their end.
    """

    layer_facts = LayerFacts(reach=pointwise, reads=1)

    def __init__(self, *, align: Literal["centre", "start"] = "centre", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.align = align

    def call(self, inputs: Any) -> Any:
        """Map [x, reference] to x with the reference's height and width."""
        x, reference = inputs
        if x.shape[1:3] == reference.shape[1:3] and None not in x.shape[1:3]:
            return x
        height, width = ops.shape(reference)[1:3]
        return cropped(x, height, width, self.align)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the batch and channels of the first shape with the height and width of the second."""
        x, reference = input_shape
        return (x[0], *reference[1:3], x[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        config: dict[str, Any] = super().get_config() | {"align": self.align}
        return config
