"""The squashing function of LeNet-5."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise


@keras.saving.register_keras_serializable(package="dlkit")
class ScaledTanh(keras.layers.Layer):
    """Computes 1.7159 tanh(2x/3), which is 1 at 1 and -1 at -1 (LeCun, 1998, appendix A)."""

    layer_facts = LayerFacts(reach=pointwise)

    def __init__(self, *, amplitude: float = 1.7159, slope: float = 0.6666666666666666, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.amplitude = amplitude
        self.slope = slope

    def call(self, inputs: Any) -> Any:
        """Squash values of any shape between -amplitude and amplitude."""
        return self.amplitude * ops.tanh(self.slope * inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input shape unchanged."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "amplitude": self.amplitude, "slope": self.slope}
