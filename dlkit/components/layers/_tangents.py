"""Forward-mode differentiation (Jacobian-vector products) through the layers of an encoder.

A dense or convolutional layer is linear except for its activation, so its output tangent is the same linear map of the
input tangent, times the slope of the activation. For the activations here, the slope depends on the output alone.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from dlkit.errors import InputError

layers = keras.layers

_SLOPES: dict[str, Callable[[Any], Any]] = {
    "linear": ops.ones_like,
    "sigmoid": lambda h: h * (1 - h),
    "tanh": lambda h: 1 - h * h,
    "relu": lambda h: ops.cast(h > 0, h.dtype),
    "softplus": lambda h: 1 - ops.exp(-h),
    "elu": lambda h: ops.where(h > 0, ops.ones_like(h), h + 1),
}
_SHAPING = (layers.Flatten, layers.Reshape, layers.Permute, layers.AveragePooling2D, layers.GlobalAveragePooling2D)
_WEIGHTED = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv3D)


def slope(layer: Any, outputs: Any) -> Any:
    """Return the derivative of the layer's activation at these outputs."""
    return _SLOPES[layer.activation.__name__](outputs)


def check_layer(layer: Any) -> None:
    """Raise InputError if tangents cannot be propagated through a layer."""
    known = isinstance(layer, (*_SHAPING, *_WEIGHTED, layers.InputLayer))
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if not known or activation not in _SLOPES:
        what = type(layer).__name__ + (f" with {activation}" if known else "")
        raise InputError(
            f"contraction: no derivative is implemented for {what}",
            f"allowed: {', '.join(kind.__name__ for kind in (*_WEIGHTED, *_SHAPING))}, with {', '.join(_SLOPES)}",
        )


def through(layer: Any, inputs: Any, tangent: Any) -> tuple[Any, Any]:
    """Return a layer's outputs for inputs (n, ...) and their derivative along the tangent (n, ...)."""
    outputs = layer(inputs)
    if isinstance(layer, _SHAPING):
        return outputs, layer(tangent)
    return outputs, slope(layer, outputs) * _linear(layer, tangent)


def _linear(layer: Any, tangent: Any) -> Any:
    """Apply a layer's linear map only, without bias and activation."""
    if isinstance(layer, layers.Dense):
        return ops.matmul(tangent, layer.kernel)
    return layer.convolution_op(tangent, layer.kernel)
