"""Upsampling that puts values back at the positions of max-pooled maxima."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts
from dlkit.analysis.reach import enlarged_reach


@keras.saving.register_keras_serializable(package="dlkit")
class MaxUnpooling(keras.layers.Layer):
    """Puts every value where its partner MaxPoolingWithIndices found the maximum, and zeros elsewhere (deck 003)."""

    layer_facts = LayerFacts(reach=lambda layer, sizes: (enlarged_reach(layer.pool_size),) * 2)

    def __init__(self, *, pool_size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_size = pool_size

    def call(self, inputs: Any) -> Any:
        """Map [values (n, h, w, c), indices (int32, same shape)] to (n, h p, w p, c)."""
        values, indices = inputs
        size = self.pool_size
        _, rows, columns, channels = ops.shape(values)
        places = ops.one_hot(indices, size * size, axis=3, dtype=values.dtype)
        windows = ops.expand_dims(values, 3) * places
        windows = ops.reshape(windows, (-1, rows, columns, size, size, channels))
        return ops.reshape(ops.transpose(windows, (0, 1, 3, 2, 4, 5)), (-1, rows * size, columns * size, channels))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the shape with height and width multiplied by pool_size."""
        n, height, width, channels = input_shape[0]
        sizes = [None if length is None else length * self.pool_size for length in (height, width)]
        return (n, *sizes, channels)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        config: dict[str, Any] = super().get_config() | {"pool_size": self.pool_size}
        return config
