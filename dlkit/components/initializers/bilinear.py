"""Initial weights that make a transposed convolution interpolate bilinearly."""

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="dlkit")
class Bilinear(keras.initializers.Initializer):
    """Initialises a kernel to interpolate bilinearly from every input channel to the output channel of the same index.

    For transposed convolutions of stride s with kernel size 2 s - s mod 2, which then upsample s times; FCN upsamples
    its class scores this way (deck 003; Long et al., 2015). The kernel remains trainable.
    """

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Return a kernel (height, width, output channels, input channels)."""
        height, width, outputs, inputs = shape
        kernel = np.zeros(shape, np.float32)
        channels = np.arange(min(outputs, inputs))
        kernel[:, :, channels, channels] = np.outer(_triangle(height), _triangle(width))[..., np.newaxis]
        return ops.convert_to_tensor(kernel, dtype=dtype)


def _triangle(size: int) -> np.ndarray:
    """Return weights (size,) that fall linearly from the centre to 0 one position outside."""
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 else factor - 0.5
    weights: np.ndarray = 1 - np.abs(np.arange(size) - centre) / factor
    return weights
