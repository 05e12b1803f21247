"""Initial convolution kernels that pass their input through."""

from typing import Annotated, Any

import keras
import numpy as np
from keras import ops
from pydantic import Field


@keras.saving.register_keras_serializable(package="dlkit")
class PartialDirac(keras.initializers.Initializer):
    """Initialises the first filters to pass the input channels through and draws the others at random (Jordan, 2024).

    arXiv 2404.00498, section 3.2. One filter per input channel passes it through. Kernels are (height, width, inputs,
    filters) with odd height and width. The other filters are uniform with variance `scale` / (height width inputs), as
    drawn by keras.initializers.VarianceScaling.
    """

    def __init__(self, *, scale: Annotated[float, Field(gt=0)] = 1 / 3, seed: int | None = None) -> None:
        self.scale = scale
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Return the kernel; raise ValueError unless it has odd height and width."""
        *window, inputs, filters = shape
        if not window or any(size % 2 == 0 for size in window):
            raise ValueError(f"PartialDirac needs a kernel of odd height and width, received the shape {tuple(shape)}")
        draw = keras.initializers.VarianceScaling(self.scale, mode="fan_in", distribution="uniform", seed=self.seed)
        passed = np.zeros(shape, "float32")
        passed[tuple(size // 2 for size in window)] = np.eye(inputs, filters)
        return ops.where(np.arange(filters) < inputs, ops.cast(passed, dtype or "float32"), draw(shape, dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {"scale": self.scale, "seed": self.seed}
