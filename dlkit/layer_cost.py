"""What each layer of a network costs for one example: multiply-adds, memory of its output, and what a pixel sees."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, prod
from typing import Any

import keras
import numpy as np

from dlkit import arithmetic
from dlkit.arithmetic import Formula
from dlkit.layer_table import channels_of, gates_of, spatial, table_layers, window_of

layers = keras.layers

# For each dimension of an image: how many input pixels one value sees, and how many lie between two neighbours' centres
# (0 once all places have become one value). None where it is not known.
Field = tuple[tuple[Fraction, Fraction], ...] | None


@dataclass(frozen=True)
class Cost:
    """One layer's cost for one example; None where it varies or is not known, no dimensions where there is no image."""

    multiply_adds: int | None
    activation_bytes: int | None
    receptive_field: list[int] | None


def layer_costs(network: keras.Model) -> list[Cost]:
    """The cost of every row of a network's table."""
    fields = _fields(network)
    return [_cost(layer, fields.get(id(_output(layer)))) for layer in table_layers(network)]


def total_cost(network: keras.Model, costs: list[Cost]) -> dict[str, Any]:
    """The sums that `summary --cost` shows, the largest receptive field, and the layers left out of the first sum."""
    uncounted = [
        layer.name for layer, cost in zip(table_layers(network), costs, strict=True) if cost.multiply_adds is None
    ]
    sizes = [cost.activation_bytes for cost in costs]
    fields = [cost.receptive_field for cost in costs if cost.receptive_field]
    known = None if any(cost.receptive_field is None for cost in costs) else fields
    return {
        "multiply_adds": sum(cost.multiply_adds or 0 for cost in costs),
        "activation_bytes": None if None in sizes else sum(size or 0 for size in sizes),
        "receptive_field": [max(sides) for sides in zip(*known, strict=True)] if known else None,
        "uncounted": uncounted,
    }


def _cost(layer: Any, field: Field) -> Cost:
    seen = None if field is None else [ceil(reach) for reach, _ in field]
    return Cost(_multiply_adds(layer), _bytes(_output(layer)), seen)


def _output(layer: Any) -> Any:
    return layer.output[0] if isinstance(layer.output, list | tuple) else layer.output


def _bytes(output: Any) -> int | None:
    """The output of one example, in its own type: of two bytes a value under mixed_bfloat16."""
    sizes, dtype = output.shape[1:], keras.backend.standardize_dtype(output.dtype)
    return None if None in sizes else prod(sizes) * (2 if dtype == "bfloat16" else np.dtype(dtype).itemsize)


def _multiply_adds(layer: Any) -> int | None:
    """Multiplications by weights; normalisation counts as none, since it can be folded into the layer before it."""
    if isinstance(layer, keras.Model):
        inner = [_multiply_adds(part) for part in table_layers(layer)]
        return None if None in inner else sum(count or 0 for count in inner)
    count = _COUNTS.get(type(layer).__name__)
    if count is None:
        return 0 if type(layer).__name__ in _FREE or not layer.weights else None
    try:
        return count(layer).value
    except TypeError:  # a size that varies
        return None


def _pixels(layer: Any, shape: Any) -> tuple[int, ...]:
    """An image's sizes; TypeError when one varies."""
    sizes = spatial(layer, shape)
    if None in sizes:
        raise TypeError(f"{layer.name} works on images of any size")
    return tuple(size or 0 for size in sizes)


def _convolution(layer: Any) -> Formula:
    transposed = type(layer).__name__.endswith("Transpose")
    pixels = _pixels(layer, layer.input.shape if transposed else layer.output.shape)
    seen = channels_of(layer, layer.input.shape) // getattr(layer, "groups", 1)
    return arithmetic.convolution_operations(pixels, layer.kernel_size, seen, layer.filters)


def _depthwise(layer: Any) -> Formula:
    pixels, channels = _pixels(layer, layer.output.shape), channels_of(layer, layer.input.shape)
    return arithmetic.convolution_operations(pixels, layer.kernel_size, 1, channels * layer.depth_multiplier)


def _separable(layer: Any) -> Formula:
    pixels, channels = _pixels(layer, layer.output.shape), channels_of(layer, layer.input.shape)
    return arithmetic.separable_operations(pixels, layer.kernel_size, channels, layer.depth_multiplier, layer.filters)


def _dense(layer: Any) -> Formula:
    *places, inputs = layer.input.shape[1:]
    return arithmetic.dense_operations(inputs, layer.units, prod(places))


def _recurrent(layer: Any) -> Formula:
    steps, inputs = layer.input.shape[1:]
    return arithmetic.recurrent_operations(steps, gates_of(layer), inputs, layer.units)


def _each_output(layer: Any) -> Formula:
    return arithmetic.dense_operations(1, prod(layer.output.shape[1:]))


def _connections(layer: Any) -> Formula:
    size = (layer.kernel_size, layer.kernel_size)
    return arithmetic.convolution_operations(layer.output.shape[1:-1], size, 1, sum(map(len, layer.connections)))


def _whitening(layer: Any) -> Formula:
    *window, seen, filters = layer.kernel.shape
    return arithmetic.convolution_operations(_pixels(layer, layer.output.shape), window, seen, filters)


_COUNTS: dict[str, Callable[[Any], Formula]] = {
    "Dense": _dense,
    **{f"Conv{n}D{kind}": _convolution for n in (1, 2, 3) for kind in ("", "Transpose")},
    **{f"DepthwiseConv{n}D": _depthwise for n in (1, 2)},
    **{f"SeparableConv{n}D": _separable for n in (1, 2)},
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU"), _recurrent),
    "Subsampling": _each_output,
    "MappedConvolution": _connections,
    "PatchWhitening": _whitening,
}
_FREE = {"BatchNormalization", "LayerNormalization", "GroupNormalization", "Normalization", "Embedding", "PReLU"}
# What mixes places in a way that no window describes.
_MIXING = ("Attention", "RNN", "LSTM", "GRU", "Bidirectional", "TimeDistributed", "GroupNormalization")


def _fields(network: keras.Model) -> dict[int, Field]:
    """The receptive field of every tensor of a functional network, by its identity."""
    fields: dict[int, Field] = {}
    for tensor in network.inputs:
        fields[id(tensor)] = ((Fraction(1), Fraction(1)),) * max(len(tensor.shape) - 2, 0)
    for node in _nodes(network):
        inputs = [(tensor, fields.get(id(tensor))) for tensor in node.input_tensors]
        for output in node.output_tensors:
            if inputs:
                fields[id(output)] = _widest([_seen(node.operation, t, field, output) for t, field in inputs])
    return fields


def _nodes(network: Any) -> Iterator[Any]:
    """The calls of operations in the order in which they happen."""
    by_depth = getattr(network, "_functional", network)._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        yield from by_depth[depth]


def _widest(fields: list[Field]) -> Field:
    """Of several paths to a pixel the one that sees most."""
    known = [field for field in fields if field is not None]
    if len(known) < len(fields) or len({len(field) for field in known}) != 1:
        return None
    return tuple((max(r for r, _ in sides), max(j for _, j in sides)) for sides in zip(*known, strict=True))


def _seen(operation: Any, tensor: Any, field: Field, output: Any) -> Field:
    """What a value of the output sees, when a value of the input sees `field`."""
    name = type(operation).__name__
    if field is None or isinstance(operation, keras.Model) or any(part in name for part in _MIXING):
        return None if field is None or len(field) else field
    if len(output.shape) != len(tensor.shape) or name.startswith("Global"):
        sizes = tensor.shape[1:-1]
        return None if None in sizes else _all(field, sizes)
    window = window_of(operation)
    if window is not None:
        return _through_window(name, field, *window)
    if name.startswith("UpSampling"):
        return _enlarged(operation, field)
    return field


def _all(field: tuple[tuple[Fraction, Fraction], ...], sizes: Any) -> Field:
    """One value that sees what all places see together."""
    if len(sizes) != len(field):
        return field
    return tuple((r + (size - 1) * j, Fraction(0)) for (r, j), size in zip(field, sizes, strict=True))


def _through_window(name: str, field: Any, kernel: Any, strides: Any, dilation: Any) -> Field:
    if name.endswith("Transpose"):
        reaches = [arithmetic.transposed_reach(k, s).value for k, s in zip(kernel, strides, strict=True)]
        steps = [Fraction(1, s) for s in strides]
    else:
        reaches = [arithmetic.effective_kernel(k, d).value for k, d in zip(kernel, dilation, strict=True)]
        steps = [Fraction(s) for s in strides]
    return tuple((r + (reach - 1) * j, j * step) for (r, j), reach, step in zip(field, reaches, steps, strict=True))


def _enlarged(layer: Any, field: Any) -> Field:
    sizes = layer.size if isinstance(layer.size, tuple | list) else (layer.size,)
    neighbours = 0 if getattr(layer, "interpolation", "nearest") == "nearest" else 1
    return tuple((r + neighbours * j, j / size) for (r, j), size in zip(field, sizes, strict=True))
