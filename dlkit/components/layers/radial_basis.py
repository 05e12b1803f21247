"""Squared distances to fixed codes."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import pointwise


@keras.saving.register_keras_serializable(package="dlkit")
class RadialBasis(keras.layers.Layer):
    """Computes the squared Euclidean distance to each of the given codes, which are not trained (LeCun, 1998)."""

    layer_facts = LayerFacts(reach=pointwise)

    def __init__(self, *, codes: list[list[float]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if len({len(code) for code in codes}) != 1:
            raise ValueError("codes must all have the same length")
        self.codes = [[float(value) for value in code] for code in codes]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Raise ValueError unless the input is as long as the codes; there are no weights."""
        if input_shape[-1] != len(self.codes[0]):
            raise ValueError(f"codes have length {len(self.codes[0])}, the input has {input_shape[-1]}")

    def call(self, inputs: Any) -> Any:
        """Map vectors (n, length) to squared distances (n, codes)."""
        codes = ops.convert_to_tensor(self.codes, dtype=inputs.dtype)
        return ops.sum(ops.square(ops.expand_dims(inputs, -2) - codes), axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape with one distance per code."""
        return (*input_shape[:-1], len(self.codes))

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "codes": self.codes}
