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
    effective_kernel,
    embedding_parameters,
    mapped_parameters,
    normalization_parameters,
    recurrent_parameters,
    separable_parameters,
    transposed_size,
    window_size,
)
from dlkit.errors import CheckError

layers = keras.layers
_WINDOWS = {
    *(f"Conv{n}D{kind}" for n in (1, 2, 3) for kind in ("", "Transpose")),
    *(f"{kind}Conv{n}D" for n in (1, 2) for kind in ("Depthwise", "Separable")),
}


@dataclass(frozen=True)
class Row:
    """One layer: its class, name, output shape without the batch, and number of parameters."""

    layer: str
    name: str
    output_shape: list[int | None]
    parameters: int


@dataclass(frozen=True)
class Explanation:
    """The arithmetic of one layer, as far as there is any: output sizes, parameters, and what is special about it."""

    sizes: list[Formula]
    parameters: Formula | None
    notes: list[str]


def layer_rows(network: keras.Model) -> list[Row]:
    """The rows of a network's table, without its inputs."""
    return [_row(layer) for layer in table_layers(network)]


def count_parameters(network: keras.Model) -> dict[str, int]:
    """total, trainable and non_trainable parameters; random-number state is not counted."""
    trainable = sum(prod(weight.shape) for weight in network.trainable_weights)
    total = sum(prod(weight.shape) for weight in network.weights)
    return {"total": total, "trainable": trainable, "non_trainable": total - trainable}


def explain(network: keras.Model) -> list[Explanation]:
    """The formulas behind every row; CheckError when one gives another value than Keras reports."""
    explanations = []
    for layer in table_layers(network):
        explanation = Explanation(_size_formulas(layer), _parameter_formula(layer), _notes(layer))
        _check(layer, explanation)
        explanations.append(explanation)
    return explanations


def table_layers(network: keras.Model) -> list[Any]:
    """The layers that have a row."""
    return [layer for layer in network.layers if not isinstance(layer, layers.InputLayer)]


def _row(layer: Any) -> Row:
    output = layer.output[0] if isinstance(layer.output, list | tuple) else layer.output
    return Row(type(layer).__name__, layer.name, list(output.shape[1:]), layer.count_params())


def _check(layer: Any, explanation: Explanation) -> None:
    row = _row(layer)
    sizes = [formula.value for formula in explanation.sizes]
    if explanation.parameters is not None and explanation.parameters.value != row.parameters:
        raise CheckError(f"{row.name}: {explanation.parameters}, but Keras reports {row.parameters:,} parameters")
    if sizes and sizes != spatial(layer, layer.output.shape):
        raise CheckError(f"{row.name}: sizes {sizes}, but Keras reports the shape {row.output_shape}")


def spatial(layer: Any, shape: Any) -> list[int | None]:
    """The sizes of an image's dimensions in a shape, whatever the place of its channels."""
    inner = shape[2:] if _channels_first(layer) else shape[1:-1]
    return list(inner)


def channels_of(layer: Any, shape: Any) -> int:
    """The number of channels in a shape."""
    return int(shape[1] if _channels_first(layer) else shape[-1])


def gates_of(layer: Any) -> int:
    """How many weight matrices of one shape a recurrent layer has."""
    return {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}[type(layer).__name__]


def window_of(layer: Any) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] | None:
    """Kernel, strides and dilation of a layer that moves a window over an image; None for any other.

    A layer that is none of Keras' says so itself, in `sliding_window`.
    """
    if hasattr(layer, "sliding_window"):
        own: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] = layer.sliding_window
        return own
    if type(layer).__name__ in _WINDOWS:
        return layer.kernel_size, layer.strides, layer.dilation_rate
    if hasattr(layer, "pool_size"):
        return layer.pool_size, layer.strides, (1,) * len(layer.pool_size)
    return None


def _channels_first(layer: Any) -> bool:
    return getattr(layer, "data_format", None) == "channels_first"


def _size_formulas(layer: Any) -> list[Formula]:
    """One formula per spatial dimension of a convolution or pooling layer whose input size is known."""
    window = window_of(layer)
    padding = getattr(layer, "padding", "valid")
    if window is None or padding == "causal" or None in spatial(layer, layer.input.shape):
        return []
    dimensions = zip(spatial(layer, layer.input.shape), *window, strict=True)
    if type(layer).__name__.endswith("Transpose"):
        return [transposed_size(size or 0, kernel, stride, padding) for size, kernel, stride, _ in dimensions]
    return [window_size(size or 0, kernel, stride, padding, rate) for size, kernel, stride, rate in dimensions]


def _notes(layer: Any) -> list[str]:
    """What sets a convolution apart from a plain one: 1x1, grouped, atrous, depthwise separable (deck 003)."""
    name, window = type(layer).__name__, window_of(layer)
    if window is None or name not in _WINDOWS:
        return []
    kernel, _, dilation = window
    reaches = dict.fromkeys(zip(kernel, dilation, strict=True))
    notes = [f"atrous: reaches {effective_kernel(k, rate)} pixels" for k, rate in reaches if rate > 1]
    channels, groups = channels_of(layer, layer.input.shape), getattr(layer, "groups", 1)
    if groups > 1:
        notes.append(
            f"grouped: each of {groups} groups of {layer.filters // groups} sees {channels // groups} channels"
        )
    if prod(kernel) == 1 and name in ("Conv1D", "Conv2D", "Conv3D"):
        notes.append(f"1x1: a Dense from {channels // groups} channels to {layer.filters} at every pixel")
    if name.startswith("Separable"):
        plain = convolution_parameters(kernel, channels, layer.filters, 1, layer.use_bias)
        notes.append(f"depthwise separable: a plain convolution has {plain}")
    if name.startswith("Depthwise"):
        notes.append(f"depthwise: {layer.depth_multiplier} filter for each of {channels} channels alone")
    return notes


def _parameter_formula(layer: Any) -> Formula | None:
    """The formula of a layer's parameters, or None where it has none or the lecture gives none."""
    formula = _FORMULAS.get(type(layer).__name__)
    return formula(layer) if formula and layer.count_params() else None


def _dense(layer: Any) -> Formula:
    return dense_parameters(layer.input.shape[-1], layer.units, layer.use_bias)


def _convolution(layer: Any) -> Formula:
    channels = channels_of(layer, layer.input.shape)
    groups = getattr(layer, "groups", 1)
    return convolution_parameters(layer.kernel_size, channels, layer.filters, groups, layer.use_bias)


def _depthwise(layer: Any) -> Formula:
    channels = channels_of(layer, layer.input.shape)
    return depthwise_parameters(layer.kernel_size, channels, layer.depth_multiplier, layer.use_bias)


def _separable(layer: Any) -> Formula:
    channels = channels_of(layer, layer.input.shape)
    multiplier = layer.depth_multiplier
    return separable_parameters(layer.kernel_size, channels, multiplier, layer.filters, layer.use_bias)


def _normalization(layer: Any) -> Formula:
    return normalization_parameters(layer.input.shape[layer.axis], layer.center, layer.scale)


def _recurrent(layer: Any) -> Formula:
    biases = (2 if getattr(layer, "reset_after", False) else 1) if layer.use_bias else 0
    return recurrent_parameters(gates_of(layer), layer.input.shape[-1], layer.units, biases)


def _subsampling(layer: Any) -> Formula:
    return Formula(f"2*{layer.input.shape[-1]}", 2 * layer.input.shape[-1])


def _mapped(layer: Any) -> Formula:
    connections = sum(map(len, layer.connections))
    return mapped_parameters(layer.kernel_size, connections, len(layer.connections))


def _embedding(layer: Any) -> Formula:
    return embedding_parameters(layer.input_dim, layer.output_dim)


def _nested(network: Any) -> Formula | None:
    """The sum of the layers' formulas, where every layer with parameters has one."""
    inner = [layer for layer in table_layers(network) if layer.count_params()]
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
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU"), _recurrent),
    "Subsampling": _subsampling,
    "MappedConvolution": _mapped,
    "Embedding": _embedding,
}
