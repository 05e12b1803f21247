"""Several views of an image where a network predicts, none where it trains."""

from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise


@keras.saving.register_keras_serializable(package="dlkit")
class InferenceViews(keras.layers.Layer):
    """In inference every image, its mirror image, and both shifted: more rows, which AverageViews makes one again.

    In training the images pass as they are. horizontal_flip: the mirror image too. shift: with so many pixels, the
    images shifted up and left, and down and right, the border mirrored (test-time augmentation as in Jordan, 2024,
    arXiv 2404.00498, there for the whole image twice as much). Images (n, height, width, channels) become
    (views n, height, width, channels), view by view.
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
        """How many views there are of an image."""
        return (3 if self.shift else 1) * (2 if self.horizontal_flip else 1)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The views one after the other along the first axis, or the inputs in training."""
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
        """As many rows as there are views of each image."""
        return (None, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        """The settings, for saving."""
        return {**super().get_config(), "horizontal_flip": self.horizontal_flip, "shift": self.shift}
