"""Each frame together with the frames around it."""

from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field

from dlkit.analysis.facts import LayerFacts, Window


@keras.saving.register_keras_serializable(package="dlkit")
class ContextFrames(keras.layers.Layer):
    """Appends to each frame the `before` frames before it and the `after` frames after it, in the order of time.

    This is the input of DeepSpeech (Hannun et al., 2014, section 2): 9 frames on each side and 26 features give 494
    numbers. Outside of the recording, frames are 0. Frames of NaN are padding: they stay NaN and count as outside.
    """

    layer_facts = LayerFacts(
        window=lambda layer: Window((layer.before + layer.after + 1,), (1,), (1,), padding="same"),
    )

    def __init__(
        self, *, before: Annotated[int, Field(ge=0)] = 9, after: Annotated[int, Field(ge=0)] = 9, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.before, self.after = before, after

    def call(self, inputs: Any) -> Any:
        """Map (n, frames, features) to (n, frames, (before + 1 + after) * features)."""
        count = ops.shape(inputs)[1]
        missing = ops.any(ops.isnan(inputs), axis=-1, keepdims=True)
        frames = ops.where(missing, ops.zeros_like(inputs), inputs)
        wider = ops.pad(frames, [[0, 0], [self.before, self.after], [0, 0]])
        found = ops.concatenate([wider[:, at : at + count] for at in range(self.before + self.after + 1)], axis=-1)
        return ops.where(missing, ops.full_like(found, float("nan")), found)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape with the features of all frames of the context."""
        features = input_shape[-1]
        return (*input_shape[:-1], features and features * (self.before + 1 + self.after))

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "before": self.before, "after": self.after}
