"""The last layer of a network for CTC: padded frames say blank for certain."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise

NEVER = -1e4
"""The logit of every letter at a padded frame. Its probability beside a blank of logit 0 is 0 in float32."""


@keras.saving.register_keras_serializable(package="dlkit")
class BlankPadding(keras.layers.Layer):
    """Sets the logits of padded frames so that blank, the last class, has the probability 1.

    Such frames change neither the CTC loss of a recording nor its text: every alignment of the real frames goes on with
    blanks in exactly one way. One tensor therefore tells everything, also how many frames are real.
    """

    layer_facts = LayerFacts(reach=pointwise)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Map logits (n, frames, classes) to logits of the same shape; mask: bool (n, frames), true for real frames."""
        if mask is None:
            return inputs
        classes = inputs.shape[-1]
        blank = ops.one_hot(classes - 1, classes, dtype=inputs.dtype)
        return ops.where(ops.expand_dims(mask, -1), inputs, (1 - blank) * NEVER)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return None: no later layer needs to know."""
        del inputs, previous_mask

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape, which stays the same."""
        return input_shape


def real_frames(logits: Any) -> Any:
    """Return bool (n, frames): where logits are not those of padding."""
    return ops.min(logits, axis=-1) > NEVER / 2
