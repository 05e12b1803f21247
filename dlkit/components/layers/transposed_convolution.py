"""Transposed convolution with numeric padding, as in the lectures."""

from dataclasses import replace
from typing import Annotated, Any

import keras
from pydantic import Field

from dlkit.analysis.facts import Window
from dlkit.analysis.keras_layers import TRANSPOSED


def _window(layer: Any) -> Window:
    return Window(layer.kernel_size, layer.strides, layer.dilation_rate, layer.cut, transposed=True)


@keras.saving.register_keras_serializable(package="dlkit")
class TransposedConvolution(keras.layers.Conv2DTranspose):
    """Transposed convolution of output size (i - 1) s + k - 2 p: input i, kernel k, stride s, padding p (deck 003).

    keras.layers.Conv2DTranspose offers only the paddings `valid` (p = 0) and `same` (output i s).
    """

    layer_facts = replace(TRANSPOSED, window=_window)

    def __init__(
        self,
        *,
        filters: Annotated[int, Field(gt=0)],
        kernel_size: Annotated[int, Field(gt=0)],
        strides: Annotated[int, Field(gt=0)] = 1,
        padding: Annotated[int, Field(ge=0)] = 0,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        kwargs.pop("data_format", None)
        initializers = {"kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer}
        size = kernel_size[0] if isinstance(kernel_size, list | tuple) else kernel_size
        step = strides[0] if isinstance(strides, list | tuple) else strides
        if 2 * padding >= size + (size == 1):
            raise ValueError(f"padding {padding} removes all of a kernel of {size}; allowed: 0 to {(size - 1) // 2}")
        super().__init__(
            filters, size, step, "valid", activation=activation, use_bias=use_bias, **initializers, **kwargs
        )
        self.cut = padding

    def call(self, inputs: Any) -> Any:
        """Map (n, h, w, channels) to (n, (h - 1) s + k - 2 p, (w - 1) s + k - 2 p, filters)."""
        full = super().call(inputs)
        height, width = (self._size(length) for length in keras.ops.shape(inputs)[1:3])
        return full[:, self.cut : self.cut + height, self.cut : self.cut + width]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the shape with sizes by the formula and `filters` channels."""
        sizes = (None if length is None else self._size(length) for length in input_shape[1:3])
        return (input_shape[0], *sizes, self.filters)

    def _size(self, length: Any) -> Any:
        return (length - 1) * self.strides[0] + self.kernel_size[0] - 2 * self.cut

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        config: dict[str, Any] = super().get_config() | {"padding": self.cut}
        return config
