"""Distances to fixed codes."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise


@keras.saving.register_keras_serializable(package="dlkit")
class RadialBasis(keras.layers.Layer):
    """The squared Euclidean distance to each of the given codes, which are not trained (LeCun et al., 1998)."""

    layer_facts = LayerFacts(reach=pointwise)

    def __init__(self, *, codes: list[list[float]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if len({len(code) for code in codes}) != 1:
            raise ValueError("codes must all have the same length")
        self.codes = [[float(value) for value in code] for code in codes]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """No weights; the input must be as long as the codes."""
        if input_shape[-1] != len(self.codes[0]):
            raise ValueError(f"codes have length {len(self.codes[0])}, the input has {input_shape[-1]}")

    def call(self, inputs: Any) -> Any:
        """Vectors (n, length) to distances (n, codes)."""
        codes = ops.convert_to_tensor(self.codes, dtype=inputs.dtype)
        return ops.sum(ops.square(ops.expand_dims(inputs, -2) - codes), axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """One distance for each code."""
        return (*input_shape[:-1], len(self.codes))

    def get_config(self) -> dict[str, Any]:
        """The settings, for saving."""
        return {**super().get_config(), "codes": self.codes}
