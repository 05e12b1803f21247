"""A network as the lecture's table: one row per layer with its output shape, its parameters and the formulas behind."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import keras

from dlkit.arithmetic import (
    Formula,
    convolution_parameters,
    dense_parameters,
    depthwise_parameters,
    embedding_parameters,
    normalization_parameters,
    recurrent_parameters,
    separable_parameters,
    transposed_size,
    window_size,
)
from dlkit.errors import CheckError

layers = keras.layers


@dataclass(frozen=True)
class Row:
    """One layer: its class, name, output shape without the batch, and number of parameters."""

    layer: str
    name: str
    output_shape: list[int | None]
    parameters: int


@dataclass(frozen=True)
class Explanation:
    """The arithmetic of one layer: output sizes and parameters, as far as there is any."""

    sizes: list[Formula]
    parameters: Formula | None


def layer_rows(network: keras.Model) -> list[Row]:
    """The rows of a network's table, without its inputs."""
    return [_row(layer) for layer in _table_layers(network)]


def count_parameters(network: keras.Model) -> dict[str, int]:
    """total, trainable and non_trainable parameters; random-number state is not counted."""
    trainable = sum(prod(weight.shape) for weight in network.trainable_weights)
    total = sum(prod(weight.shape) for weight in network.weights)
    return {"total": total, "trainable": trainable, "non_trainable": total - trainable}


def explain(network: keras.Model) -> list[Explanation]:
    """The formulas behind every row; CheckError when one gives another value than Keras reports."""
    explanations = []
    for layer in _table_layers(network):
        explanation = Explanation(_size_formulas(layer), _parameter_formula(layer))
        _check(layer, explanation)
        explanations.append(explanation)
    return explanations


def _table_layers(network: keras.Model) -> list[Any]:
    return [layer for layer in network.layers if not isinstance(layer, layers.InputLayer)]


def _row(layer: Any) -> Row:
    output = layer.output[0] if isinstance(layer.output, list | tuple) else layer.output
    return Row(type(layer).__name__, layer.name, list(output.shape[1:]), layer.count_params())


def _check(layer: Any, explanation: Explanation) -> None:
    row = _row(layer)
    sizes = [formula.value for formula in explanation.sizes]
    if explanation.parameters is not None and explanation.parameters.value != row.parameters:
        raise CheckError(f"{row.name}: {explanation.parameters}, but Keras reports {row.parameters:,} parameters")
    if sizes and sizes != _spatial(layer, layer.output.shape):
        raise CheckError(f"{row.name}: sizes {sizes}, but Keras reports the shape {row.output_shape}")


def _spatial(layer: Any, shape: Any) -> list[int | None]:
    inner = shape[2:] if layer.data_format == "channels_first" else shape[1:-1]
    return list(inner)


def _channels(layer: Any, shape: Any) -> int:
    return int(shape[1] if layer.data_format == "channels_first" else shape[-1])


def _size_formulas(layer: Any) -> list[Formula]:
    """One formula per spatial dimension of a convolution or pooling layer whose input size is known."""
    windows = (layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv2D, layers.SeparableConv2D)
    transposed = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
    if isinstance(layer, transposed):
        sizes = _spatial(layer, layer.input.shape)
        rows = zip(sizes, layer.kernel_size, layer.strides, strict=True)
        known = [(size, kernel, stride) for size, kernel, stride in rows if size is not None]
        return [transposed_size(size, kernel, stride, layer.padding) for size, kernel, stride in known]
    if isinstance(layer, windows):
        kernel, dilation = layer.kernel_size, layer.dilation_rate
    elif hasattr(layer, "pool_size"):
        kernel, dilation = layer.pool_size, (1,) * len(layer.pool_size)
    else:
        return []
    if layer.padding == "causal" or None in _spatial(layer, layer.input.shape):
        return []
    windows_here = zip(_spatial(layer, layer.input.shape), kernel, layer.strides, dilation, strict=True)
    return [window_size(size or 0, k, stride, layer.padding, rate) for size, k, stride, rate in windows_here]


def _parameter_formula(layer: Any) -> Formula | None:
    """The formula of a layer's parameters, or None where it has none or the lecture gives none."""
    formula = _FORMULAS.get(type(layer).__name__)
    return formula(layer) if formula and layer.count_params() else None


def _dense(layer: Any) -> Formula:
    return dense_parameters(layer.input.shape[-1], layer.units, layer.use_bias)


def _convolution(layer: Any) -> Formula:
    channels = _channels(layer, layer.input.shape)
    groups = getattr(layer, "groups", 1)
    return convolution_parameters(layer.kernel_size, channels, layer.filters, groups, layer.use_bias)


def _depthwise(layer: Any) -> Formula:
    channels = _channels(layer, layer.input.shape)
    return depthwise_parameters(layer.kernel_size, channels, layer.depth_multiplier, layer.use_bias)


def _separable(layer: Any) -> Formula:
    channels = _channels(layer, layer.input.shape)
    multiplier = layer.depth_multiplier
    return separable_parameters(layer.kernel_size, channels, multiplier, layer.filters, layer.use_bias)


def _normalization(layer: Any) -> Formula:
    return normalization_parameters(layer.input.shape[layer.axis], layer.center, layer.scale)


def _recurrent(gates: int) -> Callable[[Any], Formula]:
    def formula(layer: Any) -> Formula:
        biases = (2 if getattr(layer, "reset_after", False) else 1) if layer.use_bias else 0
        return recurrent_parameters(gates, layer.input.shape[-1], layer.units, biases)

    return formula


def _embedding(layer: Any) -> Formula:
    return embedding_parameters(layer.input_dim, layer.output_dim)


def _nested(network: Any) -> Formula | None:
    """The sum of the layers' formulas, where every layer with parameters has one."""
    inner = [layer for layer in _table_layers(network) if layer.count_params()]
    formulas = [_parameter_formula(layer) for layer in inner]
    known = [formula for formula in formulas if formula is not None]
    if len(known) < len(inner):
        return None
    return Formula(" + ".join(formula.text for formula in known), sum(formula.value for formula in known))


_FORMULAS: dict[str, Callable[[Any], Formula | None]] = {
    "Functional": _nested,
    "Dense": _dense,
    "TiedDense": lambda layer: Formula(f"{layer.units}", layer.units),
    **{f"Conv{n}D": _convolution for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": _convolution for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": _depthwise for n in (1, 2)},
    **{f"SeparableConv{n}D": _separable for n in (1, 2)},
    "BatchNormalization": _normalization,
    "SimpleRNN": _recurrent(1),
    "LSTM": _recurrent(4),
    "GRU": _recurrent(3),
    "Embedding": _embedding,
}
