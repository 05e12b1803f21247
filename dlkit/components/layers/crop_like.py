"""Cuts a tensor to the height and width of another."""

from typing import Any, Literal

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise


def cropped(x: Any, height: Any, width: Any, align: str = "centre") -> Any:
    """x (n, h, w, ...) cut to height and width, from its centre or its start (upper left)."""
    shape = ops.shape(x)
    top, left = ((shape[1] - height) // 2, (shape[2] - width) // 2) if align == "centre" else (0, 0)
    return x[:, top : top + height, left : left + width]


@keras.saving.register_keras_serializable(package="dlkit")
class CropLike(keras.layers.Layer):
    """Cuts the first of two tensors (n, h, w, c) to the height and width of the second, around the centre or the start.

    The U-Net of deck 003 cuts its skips this way, because its convolutions are not padded; what is larger than the
    image after upsampling is cut at the end.
    """

    layer_facts = LayerFacts(reach=pointwise, reads=1)

    def __init__(self, *, align: Literal["centre", "start"] = "centre", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.align = align

    def call(self, inputs: Any) -> Any:
        """[x, reference] to x with the reference's height and width."""
        x, reference = inputs
        if x.shape[1:3] == reference.shape[1:3] and None not in x.shape[1:3]:
            return x
        height, width = ops.shape(reference)[1:3]
        return cropped(x, height, width, self.align)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The first one's batch and channels, the second one's size."""
        x, reference = input_shape
        return (x[0], *reference[1:3], x[-1])

    def get_config(self) -> dict[str, Any]:
        """Settings, for saving."""
        config: dict[str, Any] = super().get_config() | {"align": self.align}
        return config
