"""Work out one layer of the lecture by hand: output size, parameters, multiply-adds and receptive field."""

from dataclasses import dataclass
from math import prod
from typing import Any

from dlkit.analysis import formulas as arithmetic
from dlkit.analysis.formulas import Formula
from dlkit.errors import InputError

NOTHING = Formula("no weights", 0)


@dataclass(frozen=True)
class Window:
    """The settings of a window that moves over an image, with one value per dimension (dilation: one for all).

    padding: zeros on each side, or `same` or `valid`.
    """

    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[str | int, ...]
    dilation: int = 1

    def dimensions(self) -> list[tuple[int, int, int, str | int]]:
        """Return size, kernel, stride and padding of each dimension."""
        return list(zip(self.sizes, self.kernel, self.stride, self.padding, strict=True))


@dataclass(frozen=True)
class WorkedLayer:
    """A layer's figures, each with its formula; the output shape ends with the channels."""

    layer: str
    output_shape: tuple[int, ...]
    sizes: tuple[Formula, ...]
    parameters: Formula
    multiply_adds: Formula
    receptive_field: tuple[Formula, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON of `dlkit arithmetic`."""
        return {
            "layer": self.layer,
            "output_shape": list(self.output_shape),
            "sizes": [_json(formula) for formula in self.sizes],
            "parameters": _json(self.parameters),
            "multiply_adds": _json(self.multiply_adds),
            "receptive_field": [_json(formula) for formula in self.receptive_field],
            "notes": list(self.notes),
        }


def convolution(
    window: Window, channels: int, filters: int, groups: int = 1, bias: bool = True, round_down: bool = False
) -> WorkedLayer:
    """Work out a convolution, possibly grouped or atrous; raise InputError when its settings do not fit."""
    for name, width in (("channels", channels), ("filters", filters)):
        if width % groups:
            raise InputError(f"{width} {name} cannot be divided into {groups} groups", f"use a divisor of {width}")
    sizes = window_sizes(window, round_down)
    shape = tuple(formula.value for formula in sizes)
    seen = channels // groups
    notes = [f"each of {groups} groups of {filters // groups} filters sees {seen} of {channels} channels"] * (
        groups > 1
    )
    if prod(window.kernel) == 1:
        notes.append(f"1x1: the same Dense layer from {seen} channels to {filters} at every pixel")
    return WorkedLayer(
        "conv",
        (*shape, filters),
        sizes,
        arithmetic.convolution_parameters(window.kernel, channels, filters, groups, bias),
        arithmetic.convolution_operations(shape, window.kernel, seen, filters),
        _reach(window),
        tuple(notes),
    )


def pooling(window: Window, channels: int, round_down: bool = False) -> WorkedLayer:
    """Work out a pooling layer, which has no weights and keeps the channels."""
    sizes = window_sizes(window, round_down)
    shape = (*(formula.value for formula in sizes), channels)
    return WorkedLayer("pool", shape, sizes, NOTHING, NOTHING, _reach(window))


def transposed(window: Window, channels: int, filters: int, bias: bool = True) -> WorkedLayer:
    """Work out a transposed convolution: a convolution with stride 1 over an input with inserted zeros (deck 003)."""
    sizes = tuple(arithmetic.transposed_size(*dimension) for dimension in window.dimensions())
    for formula in sizes:
        if formula.value < 1:
            raise InputError(f"the output would have {formula.value} pixels: {formula}", "use a smaller padding")
    notes = []
    for kernel, stride, padding in dict.fromkeys(zip(window.kernel, window.stride, window.padding, strict=True)):
        if not isinstance(padding, str):
            border = kernel - padding - 1
            around = f"{kernel} - {padding} - 1 = {border}"
            cut = f"{-border} pixel{'s' * (border < -1)} cut off on each side ({around})"
            zeros = f"{around} around" if border >= 0 else cut
            notes.append(f"as a convolution: {stride - 1} zeros between pixels, {zeros}, stride 1")
        if kernel % stride:
            notes.append(f"{kernel} is not a multiple of {stride}: pixels overlap unevenly, like a checkerboard")
    return WorkedLayer(
        "transposed",
        (*(formula.value for formula in sizes), filters),
        sizes,
        arithmetic.convolution_parameters(window.kernel, channels, filters, 1, bias),
        arithmetic.convolution_operations(window.sizes, window.kernel, channels, filters),
        tuple(map(arithmetic.transposed_reach, window.kernel, window.stride)),
        tuple(notes),
    )


def separable(
    window: Window, channels: int, filters: int, multiplier: int = 1, bias: bool = True, round_down: bool = False
) -> WorkedLayer:
    """Work out a depthwise separable convolution, and the ordinary one that it replaces (deck 003)."""
    sizes = window_sizes(window, round_down)
    shape = tuple(formula.value for formula in sizes)
    ordinary = arithmetic.convolution_parameters(window.kernel, channels, filters, 1, bias)
    return WorkedLayer(
        "separable",
        (*shape, filters),
        sizes,
        arithmetic.separable_parameters(window.kernel, channels, multiplier, filters, bias),
        arithmetic.separable_operations(shape, window.kernel, channels, multiplier, filters),
        _reach(window),
        (f"an ordinary convolution has {ordinary}",),
    )


def dense(inputs: tuple[int, ...], units: int, bias: bool = True) -> WorkedLayer:
    """Work out a Dense layer on a vector, or on all values of an image."""
    count = prod(inputs)
    notes = (f"{'*'.join(map(str, inputs))} = {count:,} inputs",) if len(inputs) > 1 else ()
    parameters, operations = arithmetic.dense_parameters(count, units, bias), arithmetic.dense_operations(count, units)
    return WorkedLayer("dense", (units,), (), parameters, operations, (), notes)


def recurrent(kind: str, gates: int, inputs: int, units: int, steps: int, biases: int) -> WorkedLayer:
    """Work out a recurrent layer; biases: per unit and gate (2 in a GRU that resets after the multiplication)."""
    return WorkedLayer(
        kind,
        (units,),
        (),
        arithmetic.recurrent_parameters(gates, inputs, units, biases),
        arithmetic.recurrent_operations(steps, gates, inputs, units),
        (),
    )


def window_sizes(window: Window, round_down: bool = False) -> tuple[Formula, ...]:
    """Return the output sizes; raise InputError, with the nearest fitting settings, for one that is not whole."""
    return tuple(
        _size(size, kernel, stride, padding, window.dilation, round_down)
        for size, kernel, stride, padding in window.dimensions()
    )


def _size(size: int, kernel: int, stride: int, padding: str | int, dilation: int, round_down: bool) -> Formula:
    formula = arithmetic.window_size(size, kernel, stride, padding, dilation)
    if padding == "same":
        return formula
    reach, zeros = arithmetic.effective_kernel(kernel, dilation).value, 0 if padding == "valid" else int(padding)
    room = size - reach + 2 * zeros
    if room < 0:
        raise InputError(
            f"a window of {reach} pixels does not fit into {size} pixels with {zeros} zeros on each side",
            f"nearest that fits: --input {reach - 2 * zeros}, or --padding {-(-(reach - size) // 2)}",
        )
    if room % stride and not round_down:
        raise InputError(
            f"({size} - {reach} + 2*{zeros})/{stride} + 1 = {room / stride + 1:.4g} is not a whole number of pixels",
            f"nearest that fit: {_nearest(size, reach, stride, zeros)}; --round-down drops the rest, as Keras does",
        )
    return formula


def _nearest(size: int, reach: int, stride: int, zeros: int) -> str:
    """Return the nearest inputs, padding and stride for which the output size is a whole number."""
    rest = (size - reach + 2 * zeros) % stride
    smaller, larger = size - rest, size + stride - rest
    inputs = sorted((smaller, larger), key=lambda value: abs(value - size))
    fitting = [f"--input {inputs[0]} or {inputs[1]}"]
    paddings = [p for p in range(reach) if size - reach + 2 * p >= 0 and (size - reach + 2 * p) % stride == 0]
    if paddings:
        fitting.append(f"--padding {min(paddings, key=lambda value: abs(value - zeros))}")
    room = size - reach + 2 * zeros
    strides = [s for s in range(1, room + 1) if room % s == 0]
    fitting.append(f"--stride {min(strides, key=lambda value: abs(value - stride))}")
    return ", ".join(fitting)


def _reach(window: Window) -> tuple[Formula, ...]:
    return tuple(arithmetic.effective_kernel(kernel, window.dilation) for kernel in window.kernel)


def _json(formula: Formula) -> dict[str, Any]:
    return {"formula": formula.text, "value": formula.value}
