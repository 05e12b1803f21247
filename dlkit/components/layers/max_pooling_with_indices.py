"""Max-pooling that also tells where each maximum stood."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts, Window


@keras.saving.register_keras_serializable(package="dlkit")
class MaxPoolingWithIndices(keras.layers.Layer):
    """Max-pooling over windows that do not overlap, and where in its window each maximum stood (deck 003).

    Gives [maxima, indices]: (n, h / p, w / p, c) twice; an index counts the window's places row by row, from 0 to
    p^2 - 1. MaxUnpooling puts values back there. Rows and columns that fill no window are dropped.
    """

    layer_facts = LayerFacts(window=lambda layer: Window((layer.pool_size,) * 2, (layer.pool_size,) * 2, (1, 1)))

    def __init__(self, *, pool_size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_size = pool_size

    def call(self, inputs: Any) -> list[Any]:
        """[maxima, indices int32] of inputs (n, h, w, c)."""
        windows = _windows(inputs, self.pool_size)
        indices = ops.argmax(windows, axis=3)
        return [ops.max(windows, axis=3), ops.cast(indices, "int32")]

    def compute_output_spec(self, inputs: Any) -> list[Any]:
        """Both outputs' shapes; indices are int32."""
        n, height, width, channels = inputs.shape
        sizes = [None if size is None else size // self.pool_size for size in (height, width)]
        shape = (n, *sizes, channels)
        return [keras.KerasTensor(shape, self.compute_dtype), keras.KerasTensor(shape, "int32")]

    def get_config(self) -> dict[str, Any]:
        """Settings, for saving."""
        config: dict[str, Any] = super().get_config() | {"pool_size": self.pool_size}
        return config


def _windows(x: Any, size: int) -> Any:
    """Windows of x (n, h, w, c) as (n, h / size, w / size, size^2, c)."""
    _, height, width, _ = ops.shape(x)
    rows, columns, channels = height // size, width // size, x.shape[-1]
    x = x[:, : rows * size, : columns * size]
    x = ops.reshape(x, (-1, rows, size, columns, size, channels))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, rows, columns, size * size, channels))
