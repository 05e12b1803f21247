"""Max pooling that also returns the position of each maximum."""

from typing import Any

import keras
from keras import ops

from dlkit.analysis.facts import LayerFacts, Window


@keras.saving.register_keras_serializable(package="dlkit")
class MaxPoolingWithIndices(keras.layers.Layer):
    """Max-pools non-overlapping windows and returns the position of each maximum in its window (deck 003).

    The outputs are [maxima, indices], both (n, h / p, w / p, c); an index counts the positions of a window row by row,
    from 0 to p^2 - 1. MaxUnpooling puts values back at these positions. Rows and columns that do not fill a window are
    dropped.
    """

    layer_facts = LayerFacts(window=lambda layer: Window((layer.pool_size,) * 2, (layer.pool_size,) * 2, (1, 1)))

    def __init__(self, *, pool_size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_size = pool_size

    def call(self, inputs: Any) -> list[Any]:
        """Return [maxima, indices (int32)] of inputs (n, h, w, c)."""
        windows = _windows(inputs, self.pool_size)
        largest = ops.max(windows, axis=3, keepdims=True)
        indices = ops.argmax(ops.cast(ops.equal(windows, largest), "int32"), axis=3)  # of floats: not in ONNX
        return [ops.squeeze(largest, 3), ops.cast(indices, "int32")]

    def compute_output_spec(self, inputs: Any) -> list[Any]:
        """Return the shapes of both outputs; indices are int32."""
        n, height, width, channels = inputs.shape
        sizes = [None if size is None else size // self.pool_size for size in (height, width)]
        shape = (n, *sizes, channels)
        return [keras.KerasTensor(shape, self.compute_dtype), keras.KerasTensor(shape, "int32")]

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        config: dict[str, Any] = super().get_config() | {"pool_size": self.pool_size}
        return config


def _windows(x: Any, size: int) -> Any:
    """Return the windows of x (n, h, w, c) as (n, h / size, w / size, size^2, c)."""
    _, height, width, _ = ops.shape(x)
    rows, columns, channels = height // size, width // size, x.shape[-1]
    x = x[:, : rows * size, : columns * size]
    x = ops.reshape(x, (-1, rows, size, columns, size, channels))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, rows, columns, size * size, channels))
