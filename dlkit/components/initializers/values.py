"""Given start values, for worked examples that begin at printed weights."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlkit")
class Values(keras.initializers.Initializer):
    """Start weights written out in the recipe, nested as the weight's shape."""

    def __init__(self, *, values: list) -> None:
        self.values = values

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """The values as a tensor of `shape`; ValueError when they have another shape."""
        tensor = ops.convert_to_tensor(self.values, dtype=dtype)
        if tuple(tensor.shape) != tuple(shape):
            raise ValueError(f"values have shape {tuple(tensor.shape)}, the weight has {tuple(shape)}")
        return tensor

    def get_config(self) -> dict[str, Any]:
        """The settings, for saving."""
        return {"values": self.values}
