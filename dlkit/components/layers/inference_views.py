"""Test-time augmentation: several views of each image in inference, none in training."""

from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise


@keras.saving.register_keras_serializable(package="dlkit")
class InferenceViews(keras.layers.Layer):
    """Adds mirrored and shifted views of every image to the batch in inference, for AverageViews to average.

    In training the images pass unchanged. horizontal_flip: add the mirror image. shift: if above 0, also add the images
    shifted by this many pixels up and left, and down and right, with mirrored borders (test-time augmentation as in
    Jordan, 2024, arXiv 2404.00498, where the unshifted image has twice the weight). Images
    (n, height, width, channels) become (views n, height, width, channels), view by view.
    """

    layer_facts = LayerFacts(reach=pointwise)  # within each view

    def __init__(
        self, *, horizontal_flip: bool = True, shift: Annotated[int, Field(ge=0)] = 0, **keywords: Any
    ) -> None:
        super().__init__(**keywords)
        self.horizontal_flip = horizontal_flip
        self.shift = shift

    @property
    def views(self) -> int:
        """Return the number of views per image."""
        return (3 if self.shift else 1) * (2 if self.horizontal_flip else 1)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the views concatenated along the first axis, or the inputs in training."""
        if training:
            return inputs
        views = [inputs, *(self._shifted(inputs) if self.shift else [])]
        if self.horizontal_flip:
            views += [ops.flip(view, axis=2) for view in views]
        return ops.concatenate(views, axis=0)

    def _shifted(self, inputs: Any) -> list[Any]:
        border = [self.shift, self.shift]
        padded = ops.pad(inputs, [[0, 0], border, border, [0, 0]], mode="reflect")
        height, width = inputs.shape[1:3]
        return [padded[:, start : start + height, start : start + width] for start in (0, 2 * self.shift)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape with one row per view of each image."""
        return (None, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "horizontal_flip": self.horizontal_flip, "shift": self.shift}
