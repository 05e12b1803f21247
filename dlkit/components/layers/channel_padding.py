"""Padding with zero channels, so that a narrower tensor can be added to a wider one."""

from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise


@keras.saving.register_keras_serializable(package="dlkit")
class ChannelPadding(keras.layers.Layer):
    """Pads the input with zero channels to a total of `channels`, half of them before and half after its own."""

    layer_facts = LayerFacts(reach=pointwise)

    def __init__(self, *, channels: Annotated[int, Field(ge=1)], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Raise ValueError if the input has more than `channels` channels; there are no weights."""
        if (input_shape[-1] or 0) > self.channels:
            raise ValueError(f"the input has {input_shape[-1]} channels, more than channels={self.channels}")

    def call(self, inputs: Any) -> Any:
        """Map (n, ..., c) to (n, ..., channels)."""
        missing = self.channels - inputs.shape[-1]
        around = [[0, 0]] * (len(inputs.shape) - 1)
        return ops.pad(inputs, [*around, [missing // 2, missing - missing // 2]])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the same shape with `channels` channels."""
        return (*input_shape[:-1], self.channels)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "channels": self.channels}
