"""Peak signal-to-noise ratio."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlkit")
class Psnr(keras.metrics.MeanSquaredError):
    """10 log10(peak^2 / MSE) in decibels, of the mean squared error over all examples."""

    def __init__(self, *, peak: float = 1.0, name: str = "psnr", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.peak = peak
        self._direction = "up"  # more is better, unlike the error that it is made of

    def result(self) -> Any:
        """The ratio in dB; an error of 0 counts as 1e-12 of the peak's square."""
        share = super().result() / self.peak**2
        return -10.0 * ops.log10(ops.maximum(share, 1e-12))

    def get_config(self) -> dict[str, Any]:
        """The settings, for saving."""
        return {"name": self.name, "dtype": self.dtype, "peak": self.peak}
