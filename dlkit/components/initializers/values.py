"""Given initial values, for worked examples that start from printed weights."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlkit")
class Values(keras.initializers.Initializer):
    """Initialises a weight to the values written in the recipe, nested like the shape of the weight."""

    def __init__(self, *, values: list) -> None:
        self.values = values

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Return the values as a tensor of `shape`; raise ValueError if their shape differs."""
        tensor = ops.convert_to_tensor(self.values, dtype=dtype)
        if tuple(tensor.shape) != tuple(shape):
            raise ValueError(f"values have shape {tuple(tensor.shape)}, but the weight has {tuple(shape)}")
        return tensor

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {"values": self.values}
