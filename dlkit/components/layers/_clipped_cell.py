"""The recurrence of DeepSpeech's fourth layer."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlkit")
class ClippedCell(keras.layers.Layer):
    """Computes h(t) = min(max(x(t) + U h(t - 1), 0), clip): inputs come weighted, so that directions can share weights.

    (Hannun et al., 2014, section 2.) U starts orthogonal.
    """

    def __init__(self, units: int, clip: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.clip = units, clip
        self.state_size = self.output_size = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create U (units, units); raise ValueError for inputs of another size."""
        if input_shape[-1] != self.units:
            raise ValueError(f"the inputs have {input_shape[-1]} values, but the state has {self.units}")
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, self.units), initializer="orthogonal", name="recurrent_kernel"
        )

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """Return the next output (n, units) and state."""
        del training
        after = ops.clip(inputs + ops.matmul(states[0], self.recurrent_kernel), 0, self.clip)
        return after, [after]

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "units": self.units, "clip": self.clip}
