"""Peak signal-to-noise ratio."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlkit")
class Psnr(keras.metrics.MeanSquaredError):
    """Computes the peak signal-to-noise ratio in dB, 10 log10(peak^2 / MSE), with the MSE over all examples."""

    def __init__(self, *, peak: float = 1.0, name: str = "psnr", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.peak = peak
        self._direction = "up"  # higher is better, unlike the underlying error

    def result(self) -> Any:
        """Return the ratio in dB; the MSE is at least 1e-12 of the squared peak."""
        share = super().result() / self.peak**2
        return -10.0 * ops.log10(ops.maximum(share, 1e-12))

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {"name": self.name, "dtype": self.dtype, "peak": self.peak}
