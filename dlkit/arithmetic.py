"""The lecture's arithmetic: output sizes and parameter counts, with the numbers put into their formulas.

Sources: decks 000 and 004 for (I - K + 2P) / S + 1 and the weights of a convolution, deck 003 for the transposed and
the depthwise separable ones. `x` is `*`, sizes are in pixels, parameters are counted.
"""

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Formula:
    """A formula with its numbers put in, and its value."""

    text: str
    value: int

    def __str__(self) -> str:
        return f"{self.text} = {self.value:,}"


def window_size(size: int, kernel: int, stride: int, padding: str, dilation: int = 1) -> Formula:
    """Output size of a convolution or pooling window, (I - K + 2P) / S + 1, rounded down.

    padding: `valid` (P = 0) or `same` (ceil(I / S), with as many zeros on each side as that takes).
    """
    reach = dilation * (kernel - 1) + 1
    if padding == "same":
        value = -(-size // stride)
        total = max((value - 1) * stride + reach - size, 0)
    else:
        value, total = (size - reach) // stride + 1, 0
    zeros = f"2*{total // 2}" if total % 2 == 0 else f"{total // 2} + {total - total // 2}"
    inner = f"({size} - {reach} + {zeros})/{stride} + 1"
    exact = (size - reach + total) % stride == 0
    return Formula(inner if exact else f"floor({inner})", value)


def transposed_size(size: int, kernel: int, stride: int, padding: str) -> Formula:
    """Output size of a transposed convolution: I S for `same`, (I - 1) S + K for `valid` (S + ... when K < S)."""
    if padding == "same":
        return Formula(f"{size}*{stride}", size * stride)
    reach = max(kernel, stride)
    return Formula(f"({size} - 1)*{stride} + {reach}", (size - 1) * stride + reach)


def dense_parameters(inputs: int, units: int, bias: bool) -> Formula:
    """One weight for each input and unit, one bias for each unit."""
    return _with_bias(f"{inputs}*{units}", inputs * units, units, bias)


def convolution_parameters(kernel: tuple[int, ...], channels: int, filters: int, groups: int, bias: bool) -> Formula:
    """Kernel size times the input channels that a filter sees, for every filter, and one bias for each."""
    seen = channels // groups
    factors = [*kernel, seen, filters]
    text = "*".join(map(str, factors))
    if groups > 1:
        text = "*".join([*map(str, kernel), f"({channels}/{groups})", str(filters)])
    return _with_bias(text, prod(factors), filters, bias)


def depthwise_parameters(kernel: tuple[int, ...], channels: int, multiplier: int, bias: bool) -> Formula:
    """One kernel for each input channel (times the depth multiplier), and one bias for each output channel."""
    text = "*".join(map(str, [*kernel, channels, *([multiplier] if multiplier > 1 else [])]))
    return _with_bias(text, prod(kernel) * channels * multiplier, channels * multiplier, bias)


def separable_parameters(kernel: tuple[int, ...], channels: int, multiplier: int, filters: int, bias: bool) -> Formula:
    """A depthwise kernel for each channel, then a 1x1 convolution to the filters (deck 003)."""
    depthwise = depthwise_parameters(kernel, channels, multiplier, bias=False)
    pointwise = channels * multiplier * filters
    text = f"{depthwise.text} + {channels * multiplier}*{filters}"
    return _with_bias(text, depthwise.value + pointwise, filters, bias)


def normalization_parameters(channels: int, centre: bool, scale: bool) -> Formula:
    """gamma, beta and the running mean and variance for each channel; the last two are not trained."""
    kinds = int(centre) + int(scale) + 2
    return Formula(f"{kinds}*{channels}", kinds * channels)


def recurrent_parameters(gates: int, inputs: int, units: int, biases: int) -> Formula:
    """For each gate: units x (inputs + units) weights and `biases` biases for each unit (deck 002)."""
    bias = f" + {biases}" if biases else ""
    text = f"{units}*({inputs} + {units}{bias})"
    return Formula(f"{gates}*{text}" if gates > 1 else text, gates * units * (inputs + units + biases))


def embedding_parameters(words: int, units: int) -> Formula:
    """One vector for each word."""
    return Formula(f"{words}*{units}", words * units)


def _with_bias(text: str, weights: int, biases: int, bias: bool) -> Formula:
    return Formula(f"{text} + {biases}", weights + biases) if bias else Formula(text, weights)
