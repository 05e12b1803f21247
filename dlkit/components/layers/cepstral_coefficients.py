"""Cepstral coefficients of a mel spectrogram (MFCC)."""

from typing import Annotated, Any

import keras
import numpy as np
from keras import ops
from pydantic import Field

from dlkit.analysis.facts import LayerFacts


def cosines(size: int, coefficients: int) -> np.ndarray:
    """Return the first rows of the orthonormal DCT-II as columns, float64 (size, coefficients)."""
    angles = np.pi / size * (np.arange(size)[:, np.newaxis] + 0.5) * np.arange(coefficients)
    scale = np.where(np.arange(coefficients) == 0, np.sqrt(1 / size), np.sqrt(2 / size))
    found: np.ndarray = scale * np.cos(angles)
    return found


@keras.saving.register_keras_serializable(package="dlkit")
class CepstralCoefficients(keras.layers.Layer):
    """Returns the first `coefficients` of the orthonormal DCT-II of every frame; after LogMel, these are MFCCs.

    (Davis and Mermelstein, "Comparison of parametric representations for monosyllabic word recognition", 1980.)
    """

    layer_facts = LayerFacts()

    def __init__(self, *, coefficients: Annotated[int, Field(ge=1)] = 13, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.coefficients = coefficients

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Compute the cosines; raise ValueError for more coefficients than bands."""
        bands = int(input_shape[-1] or 0)
        if self.coefficients > bands:
            raise ValueError(f"{self.coefficients} coefficients need as many bands, but there are {bands}")
        self._cosines = cosines(bands, self.coefficients)

    def call(self, inputs: Any) -> Any:
        """Map (n, frames, bands) to (n, frames, coefficients)."""
        return ops.matmul(inputs, ops.convert_to_tensor(self._cosines, dtype=self.compute_dtype))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape with the coefficients as the last size."""
        return (*input_shape[:-1], self.coefficients)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "coefficients": self.coefficients}
