"""The records of Keras' own layers, by class name."""

from collections.abc import Sequence
from math import prod
from typing import Any

from dlkit.analysis import formulas
from dlkit.analysis.facts import LayerFacts, Window, channels_of, one_step, pixels, shape_in
from dlkit.analysis.formulas import Formula
from dlkit.analysis.reach import (
    Field,
    Reach,
    enlarged_reach,
    pointwise,
    shifted_reach,
    unknown,
    whole_image,
)

_GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}  # weight matrices of one shape
_NEIGHBOURS = {"nearest": 0, "bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}


def _window(layer: Any) -> Window:
    return Window(layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding)


def _pooling_window(layer: Any) -> Window:
    return Window(layer.pool_size, layer.strides, (1,) * len(layer.pool_size), layer.padding)


def _transposed_window(layer: Any) -> Window | None:
    """Return the window; None with output_padding, for which the lecture has no formula."""
    if getattr(layer, "output_padding", None) is not None:
        return None
    return Window(layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding, transposed=True)


def _groups(layer: Any) -> int:
    return getattr(layer, "groups", 1)


def _convolution_parameters(layer: Any) -> Formula:
    channels = channels_of(layer, shape_in(layer))
    return formulas.convolution_parameters(layer.kernel_size, channels, layer.filters, _groups(layer), layer.use_bias)


def _convolution_operations(layer: Any) -> Formula:
    seen = channels_of(layer, shape_in(layer)) // _groups(layer)
    return formulas.convolution_operations(pixels(layer, layer.output.shape), layer.kernel_size, seen, layer.filters)


def _transposed_operations(layer: Any) -> Formula:
    channels = channels_of(layer, shape_in(layer))
    return formulas.convolution_operations(pixels(layer, shape_in(layer)), layer.kernel_size, channels, layer.filters)


def _depthwise_parameters(layer: Any) -> Formula:
    channels = channels_of(layer, shape_in(layer))
    return formulas.depthwise_parameters(layer.kernel_size, channels, layer.depth_multiplier, layer.use_bias)


def _depthwise_operations(layer: Any) -> Formula:
    filters = channels_of(layer, shape_in(layer)) * layer.depth_multiplier
    return formulas.convolution_operations(pixels(layer, layer.output.shape), layer.kernel_size, 1, filters)


def _separable_parameters(layer: Any) -> Formula:
    channels, multiplier = channels_of(layer, shape_in(layer)), layer.depth_multiplier
    return formulas.separable_parameters(layer.kernel_size, channels, multiplier, layer.filters, layer.use_bias)


def _separable_operations(layer: Any) -> Formula:
    channels, multiplier = channels_of(layer, shape_in(layer)), layer.depth_multiplier
    sizes = pixels(layer, layer.output.shape)
    return formulas.separable_operations(sizes, layer.kernel_size, channels, multiplier, layer.filters)


def _dense_parameters(layer: Any) -> Formula:
    return formulas.dense_parameters(shape_in(layer)[-1], layer.units, layer.use_bias)


def _dense_operations(layer: Any) -> Formula:
    *places, inputs = one_step(shape_in(layer)[1:])
    return formulas.dense_operations(inputs, layer.units, prod(places))


def _recurrent_parameters(layer: Any) -> Formula:
    return _weights_of(layer, shape_in(layer)[-1])


def _recurrent_operations(layer: Any) -> Formula:
    return _steps_of(layer, *one_step(shape_in(layer)[1:]))


def _weights_of(recurrent: Any, inputs: int) -> Formula:
    """Return the number of weights of a recurrent layer that reads this many values per step."""
    biases = (2 if getattr(recurrent, "reset_after", False) else 1) if recurrent.use_bias else 0
    return formulas.recurrent_parameters(_GATES[type(recurrent).__name__], inputs, recurrent.units, biases)


def _steps_of(recurrent: Any, steps: int, inputs: int) -> Formula:
    return formulas.recurrent_operations(steps, _GATES[type(recurrent).__name__], inputs, recurrent.units)


def _both_parameters(layer: Any) -> Formula | None:
    """Return the weights of both directions; None if one is not a layer with known gates."""
    directions = (layer.forward_layer, layer.backward_layer)
    if any(type(one).__name__ not in _GATES for one in directions):
        return None
    return _sum(*(_weights_of(one, shape_in(layer)[-1]) for one in directions))


def _both_operations(layer: Any) -> Formula:
    directions = (layer.forward_layer, layer.backward_layer)
    if any(type(one).__name__ not in _GATES for one in directions):
        raise TypeError(f"{layer.name} wraps a layer with unknown gates")
    return _sum(*(_steps_of(one, *one_step(shape_in(layer)[1:])) for one in directions))


def _sum(first: Formula, second: Formula) -> Formula:
    """Return the sum of the formulas of two directions, which mostly are the same."""
    text = f"2*{first.text}" if first == second else f"{first.text} + {second.text}"
    return Formula(text, first.value + second.value)


def _per_step_parameters(layer: Any) -> Formula | None:
    """Return the weights of a Dense layer that is applied at every step; None for other layers."""
    inner = layer.layer
    if type(inner).__name__ != "Dense":
        return None
    return formulas.dense_parameters(shape_in(layer)[-1], inner.units, inner.use_bias)


def _per_step_operations(layer: Any) -> Formula:
    if type(layer.layer).__name__ != "Dense":
        raise TypeError(f"{layer.name} wraps another layer than Dense")
    *places, inputs = shape_in(layer)[1:]
    return formulas.dense_operations(inputs, layer.layer.units, prod(places))


def _normalization_parameters(layer: Any) -> Formula:
    return formulas.normalization_parameters(shape_in(layer)[layer.axis], layer.center, layer.scale)


def _embedding_parameters(layer: Any) -> Formula:
    return formulas.embedding_parameters(layer.input_dim, layer.output_dim)


def _free(layer: Any) -> Formula:
    """Return 0 multiply-adds, for weights that the layer before can absorb or that are only looked up."""
    return Formula("0", 0)


def _atrous_notes(layer: Any) -> list[str]:
    reaches = dict.fromkeys(zip(layer.kernel_size, layer.dilation_rate, strict=True))
    return [f"atrous: reaches {formulas.effective_kernel(k, rate)} pixels" for k, rate in reaches if rate > 1]


def _grouped_notes(layer: Any) -> list[str]:
    notes, groups, channels = _atrous_notes(layer), _groups(layer), channels_of(layer, shape_in(layer))
    if groups > 1:
        width = layer.filters // groups
        notes.append(f"grouped: each of {groups} groups of {width} filters sees {channels // groups} channels")
    return notes


def _convolution_notes(layer: Any) -> list[str]:
    notes, seen = _grouped_notes(layer), channels_of(layer, shape_in(layer)) // _groups(layer)
    if prod(layer.kernel_size) == 1:
        notes.append(f"1x1: a Dense layer from {seen} channels to {layer.filters} at every pixel")
    return notes


def _separable_notes(layer: Any) -> list[str]:
    plain = _convolution_parameters(layer)
    return [*_atrous_notes(layer), f"depthwise separable: an ordinary convolution has {plain}"]


def _depthwise_notes(layer: Any) -> list[str]:
    channels = channels_of(layer, shape_in(layer))
    note = f"depthwise: {channels} channels, each with its own filters (depth multiplier {layer.depth_multiplier})"
    return [*_atrous_notes(layer), note]


def along_axis(axis: Any, sizes: Sequence[int | None], channels: int) -> Field:
    """Return the reach of an operation that mixes values along one or more axes; channels: the channel axis."""
    dimensions = len(sizes) + 2
    mixed = {one % dimensions for one in (axis if isinstance(axis, Sequence) else [axis])}
    spatial_axes = [one for one in range(1, dimensions) if one != channels % dimensions]
    return tuple(Reach().unknown() if one in mixed else Reach() for one in spatial_axes)


def _over_axis(layer: Any, sizes: Sequence[int | None]) -> Field:
    """Return the reach of a layer that mixes values along its `axis`, for images with channels last."""
    return along_axis(layer.axis, sizes, -1)


def _enlarged(layer: Any, sizes: Sequence[int | None]) -> Field:
    factors = layer.size if isinstance(layer.size, tuple) else (layer.size,)
    neighbours = _NEIGHBOURS[getattr(layer, "interpolation", "nearest")]
    return tuple(enlarged_reach(factor, neighbours) for factor in factors)


def _padded(layer: Any, sizes: Sequence[int | None]) -> Field:
    sides = layer.padding if isinstance(layer.padding[0], tuple) else (layer.padding,)
    return tuple(shifted_reach(before) for before, _ in sides)


def _cropped(layer: Any, sizes: Sequence[int | None]) -> Field:
    sides = layer.cropping if isinstance(layer.cropping[0], tuple) else (layer.cropping,)
    return tuple(shifted_reach(-before) for before, _ in sides)


CONVOLUTION = LayerFacts(_window, _convolution_parameters, _convolution_operations, notes=_convolution_notes)
TRANSPOSED = LayerFacts(_transposed_window, _convolution_parameters, _transposed_operations, notes=_atrous_notes)
_DEPTHWISE = LayerFacts(_window, _depthwise_parameters, _depthwise_operations, notes=_depthwise_notes)
_SEPARABLE = LayerFacts(_window, _separable_parameters, _separable_operations, notes=_separable_notes)
_POOLING = LayerFacts(_pooling_window)
_RECURRENT = LayerFacts(parameters=_recurrent_parameters, multiply_adds=_recurrent_operations, reach=unknown)
_POINTWISE = LayerFacts(reach=pointwise)
_WHOLE = LayerFacts(reach=whole_image)
_UNKNOWN = LayerFacts(reach=unknown)

# In inference, where random layers do nothing. Functions of keras.ops in a network are looked up here too.
_ELEMENTWISE = (
    *("Activation", "ReLU", "LeakyReLU", "ELU", "Identity", "Rescaling", "ActivityRegularization", "Masking"),
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
    *("AlphaDropout", "GaussianDropout", "GaussianNoise"),
    *("RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom", "RandomContrast", "RandomBrightness"),
    *("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"),
    *("Divide", "TrueDivide", "Power", "Negative", "Absolute", "Square", "Sqrt", "Exp", "Log", "Clip", "Cast", "Where"),
    *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu", "Silu", "HardSilu", "Tanh", "HardTanh"),
    *("Sigmoid", "HardSigmoid", "LogSigmoid", "Softplus", "Softsign"),
)

KERAS_LAYERS: dict[str, LayerFacts] = {
    **{f"Conv{n}D": CONVOLUTION for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": TRANSPOSED for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": _DEPTHWISE for n in (1, 2)},
    **{f"SeparableConv{n}D": _SEPARABLE for n in (1, 2)},
    **{f"{kind}Pooling{n}D": _POOLING for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{f"Global{kind}Pooling{n}D": _WHOLE for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{f"UpSampling{n}D": LayerFacts(reach=_enlarged) for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": LayerFacts(reach=_padded) for n in (1, 2, 3)},
    **{f"Cropping{n}D": LayerFacts(reach=_cropped) for n in (1, 2, 3)},
    **dict.fromkeys(("Flatten", "Reshape", "Permute", "RepeatVector"), _WHOLE),
    "Dense": LayerFacts(parameters=_dense_parameters, multiply_adds=_dense_operations, reach=pointwise),
    **dict.fromkeys(_GATES, _RECURRENT),
    **dict.fromkeys(("RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _UNKNOWN),
    "Bidirectional": LayerFacts(parameters=_both_parameters, multiply_adds=_both_operations, reach=unknown),
    "TimeDistributed": LayerFacts(parameters=_per_step_parameters, multiply_adds=_per_step_operations, reach=unknown),
    **dict.fromkeys(("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention"), _UNKNOWN),
    "BatchNormalization": LayerFacts(parameters=_normalization_parameters, multiply_adds=_free, reach=pointwise),
    "GroupNormalization": LayerFacts(multiply_adds=_free, reach=unknown),
    "LayerNormalization": LayerFacts(multiply_adds=_free, reach=_over_axis),
    **dict.fromkeys(("Normalization", "PReLU"), LayerFacts(multiply_adds=_free, reach=pointwise)),
    "Embedding": LayerFacts(parameters=_embedding_parameters, multiply_adds=_free),
    **dict.fromkeys(("Softmax", "Concatenate", "RMSNormalization", "UnitNormalization"), LayerFacts(reach=_over_axis)),
    **dict.fromkeys(_ELEMENTWISE, _POINTWISE),
}
