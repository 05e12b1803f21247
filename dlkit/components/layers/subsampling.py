"""Subsampling with trainable weights, the predecessor of max pooling."""

from math import prod
from typing import Annotated, Any

import keras
from keras import ops
from pydantic import Field

from dlkit.analysis.facts import LayerFacts, Window
from dlkit.analysis.formulas import Formula, dense_operations


@keras.saving.register_keras_serializable(package="dlkit")
class Subsampling(keras.layers.Layer):
    """Sums each window, times a coefficient, plus a bias: two weights per map (LeCun, 1998)."""

    layer_facts = LayerFacts(
        window=lambda layer: Window((layer.pool_size,) * 2, (layer.pool_size,) * 2, (1, 1)),
        parameters=lambda layer: Formula(f"2*{layer.input.shape[-1]}", 2 * layer.input.shape[-1]),
        multiply_adds=lambda layer: dense_operations(1, prod(layer.output.shape[1:])),
    )

    def __init__(self, *, pool_size: Annotated[int, Field(ge=1)] = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_size = pool_size

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create one coefficient and one bias per channel; initially the output is the mean of the window."""
        shape = (input_shape[-1],)
        mean = keras.initializers.Constant(1 / self.pool_size**2)
        self.coefficient = self.add_weight(shape=shape, initializer=mean, name="coefficient")
        self.bias = self.add_weight(shape=shape, initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Map (n, height, width, channels) in non-overlapping windows."""
        mean = ops.average_pool(inputs, self.pool_size, strides=self.pool_size, data_format="channels_last")
        return mean * self.pool_size**2 * self.coefficient + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape with height and width divided by pool_size, rounded down."""
        batch, height, width, channels = input_shape
        smaller = (None if size is None else size // self.pool_size for size in (height, width))
        return (batch, *smaller, channels)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "pool_size": self.pool_size}
