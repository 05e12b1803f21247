"""A convolution with a connection table that selects the input channels of each filter."""

from typing import Annotated, Any

import keras
import numpy as np
from keras import ops
from pydantic import Field

from dlkit.analysis.facts import LayerFacts, Window, pixels
from dlkit.analysis.formulas import Formula, convolution_operations, mapped_parameters


def _parameters(layer: Any) -> Formula:
    return mapped_parameters(layer.kernel_size, sum(map(len, layer.connections)), len(layer.connections))


def _multiply_adds(layer: Any) -> Formula:
    size, connections = (layer.kernel_size,) * 2, sum(map(len, layer.connections))
    return convolution_operations(pixels(layer, layer.output.shape), size, 1, connections)


@keras.saving.register_keras_serializable(package="dlkit")
class MappedConvolution(keras.layers.Layer):
    """Applies an unpadded convolution in which filter k sees only the input channels in connections[k].

    Only connected weights exist: kernel_size^2 per connection and one bias per filter (LeCun et al., 1998, table I,
    where partial connections break the symmetry between maps and save weights).
    """

    layer_facts = LayerFacts(
        window=lambda layer: Window((layer.kernel_size,) * 2, (1, 1), (1, 1)),
        parameters=_parameters,
        multiply_adds=_multiply_adds,
    )

    def __init__(
        self, *, connections: list[list[int]], kernel_size: Annotated[int, Field(ge=1)], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not connections or not all(connections):
            raise ValueError("connections needs at least one channel per filter")
        self.connections = [list(channels) for channels in connections]
        self.kernel_size = kernel_size

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the connection weights (kernel_size, kernel_size, connections) and one bias per filter."""
        channels, filters = int(input_shape[-1] or 0), len(self.connections)
        pairs = [channel * filters + k for k, seen in enumerate(self.connections) for channel in seen]
        if len(set(pairs)) < len(pairs) or not all(0 <= c < channels for seen in self.connections for c in seen):
            raise ValueError(f"connections must name channels from 0 to {channels - 1}, each at most once per filter")
        # One-hot rows that place each connection among all (channel, filter) pairs.
        self._places = np.eye(channels * filters, dtype="float32")[pairs]
        seen_by_each = len(pairs) / filters * self.kernel_size**2
        start = keras.initializers.RandomUniform(-((3 / seen_by_each) ** 0.5), (3 / seen_by_each) ** 0.5)
        size = (self.kernel_size, self.kernel_size)
        self.kernel = self.add_weight(shape=(*size, len(pairs)), initializer=start, name="kernel")
        self.bias = self.add_weight(shape=(filters,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Map (n, height, width, channels) to (n, height - k + 1, width - k + 1, filters)."""
        places = ops.convert_to_tensor(self._places, dtype=self.compute_dtype)
        shape = (self.kernel_size, self.kernel_size, inputs.shape[-1], len(self.connections))
        kernel = ops.reshape(ops.matmul(ops.convert_to_tensor(self.kernel), places), shape)
        return ops.conv(inputs, kernel, data_format="channels_last") + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape with height and width reduced by kernel_size - 1."""
        batch, height, width, _ = input_shape
        smaller = (None if size is None else size - self.kernel_size + 1 for size in (height, width))
        return (batch, *smaller, len(self.connections))

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {**super().get_config(), "connections": self.connections, "kernel_size": self.kernel_size}
