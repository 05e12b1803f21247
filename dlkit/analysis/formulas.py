"""The lecture's arithmetic: output sizes and parameter counts, as formulas with numbers inserted.

Sources: decks 000 and 004 for (I - K + 2P) / S + 1 and the weights of a convolution, deck 003 for the transposed and
the depthwise separable ones. Sizes are in pixels, parameters are counted, and a multiply-add is one multiplication with
the addition of its result.
"""

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Formula:
    """A formula with its numbers inserted, and its value."""

    text: str
    value: int

    def __str__(self) -> str:
        return f"{self.text} = {self.value:,}"


def effective_kernel(kernel: int, dilation: int) -> Formula:
    """Return how many pixels a kernel with `dilation - 1` gaps between its weights spans (deck 003, atrous)."""
    return Formula(f"{dilation}*({kernel} - 1) + 1", dilation * (kernel - 1) + 1)


def window_size(size: int, kernel: int, stride: int, padding: str | int, dilation: int = 1) -> Formula:
    """Return the output size of a convolution or pooling window, (I - K + 2P) / S + 1, rounded down.

    padding: P zeros on each side, `valid` (P = 0) or `same` (ceil(I / S), with as many zeros as needed).
    """
    reach = effective_kernel(kernel, dilation).value
    if padding == "same":
        value = -(-size // stride)
        total = max((value - 1) * stride + reach - size, 0)
    else:
        total = 2 * _zeros(padding)
        value = (size - reach + total) // stride + 1
    zeros = f"2*{total // 2}" if total % 2 == 0 else f"{total // 2} + {total - total // 2}"
    inner = f"({size} - {reach} + {zeros})/{stride} + 1"
    exact = (size - reach + total) % stride == 0
    return Formula(inner if exact else f"floor({inner})", value)


def transposed_size(size: int, kernel: int, stride: int, padding: str | int) -> Formula:
    """Return the output size of a transposed convolution: (I - 1) S + K - 2P for P zeros (deck 003).

    Keras' `same` gives I S; its `valid` is P = 0, with max(K, S) instead of K.
    """
    if padding == "same":
        return Formula(f"{size}*{stride}", size * stride)
    if padding == "valid":
        reach = max(kernel, stride)
        return Formula(f"({size} - 1)*{stride} + {reach}", (size - 1) * stride + reach)
    zeros = _zeros(padding)
    return Formula(f"({size} - 1)*{stride} + {kernel} - 2*{zeros}", (size - 1) * stride + kernel - 2 * zeros)


def transposed_reach(kernel: int, stride: int) -> Formula:
    """Return the maximum number of input pixels that affect one output pixel of a transposed convolution."""
    return Formula(f"ceil({kernel}/{stride})", -(-kernel // stride))


def _zeros(padding: str | int) -> int:
    return 0 if padding == "valid" else int(padding)


def dense_parameters(inputs: int, units: int, bias: bool) -> Formula:
    """Count one weight per input and unit, and one bias per unit."""
    return _with_bias(f"{inputs}*{units}", inputs * units, units, bias)


def convolution_parameters(kernel: tuple[int, ...], channels: int, filters: int, groups: int, bias: bool) -> Formula:
    """Count kernel size times the input channels that a filter sees, for every filter, and one bias per filter."""
    seen = channels // groups
    factors = [*kernel, seen, filters]
    text = "*".join(map(str, factors))
    if groups > 1:
        text = "*".join([*map(str, kernel), f"({channels}/{groups})", str(filters)])
    return _with_bias(text, prod(factors), filters, bias)


def depthwise_parameters(kernel: tuple[int, ...], channels: int, multiplier: int, bias: bool) -> Formula:
    """Count one kernel per input channel (times the depth multiplier), and one bias per output channel."""
    text = "*".join(map(str, [*kernel, channels, *([multiplier] if multiplier > 1 else [])]))
    return _with_bias(text, prod(kernel) * channels * multiplier, channels * multiplier, bias)


def separable_parameters(kernel: tuple[int, ...], channels: int, multiplier: int, filters: int, bias: bool) -> Formula:
    """Count a depthwise kernel per channel, then a 1x1 convolution to the filters (deck 003)."""
    depthwise = depthwise_parameters(kernel, channels, multiplier, bias=False)
    pointwise = channels * multiplier * filters
    text = f"{depthwise.text} + {channels * multiplier}*{filters}"
    return _with_bias(text, depthwise.value + pointwise, filters, bias)


def mapped_parameters(kernel: int, connections: int, filters: int) -> Formula:
    """Count a kernel per connection of a channel with a filter, and one bias per filter (LeNet-5's C3)."""
    return _with_bias(f"{kernel}*{kernel}*{connections}", kernel * kernel * connections, filters, True)


def normalization_parameters(channels: int, centre: bool, scale: bool) -> Formula:
    """Count gamma, beta, running mean and running variance per channel; the last two are not trained."""
    kinds = int(centre) + int(scale) + 2
    return Formula(f"{kinds}*{channels}", kinds * channels)


def recurrent_parameters(gates: int, inputs: int, units: int, biases: int) -> Formula:
    """Count units x (inputs + units) weights per gate, and `biases` biases per unit and gate (deck 002)."""
    bias = f" + {biases}" if biases else ""
    text = f"{units}*({inputs} + {units}{bias})"
    return Formula(f"{gates}*{text}" if gates > 1 else text, gates * units * (inputs + units + biases))


def embedding_parameters(words: int, units: int) -> Formula:
    """Count one vector per word."""
    return Formula(f"{words}*{units}", words * units)


def convolution_operations(pixels: tuple[int, ...], kernel: tuple[int, ...], seen: int, filters: int) -> Formula:
    """Count the multiply-adds of a convolution: every weight is used once per pixel.

    pixels: output sizes, or input sizes for a transposed convolution. seen: the input channels that a filter sees.
    """
    return _product(*pixels, *kernel, seen, filters)


def separable_operations(
    pixels: tuple[int, ...], kernel: tuple[int, ...], channels: int, multiplier: int, filters: int
) -> Formula:
    """Count the multiply-adds of a separable convolution: the depthwise kernels, then 1x1 to the filters."""
    depthwise, pointwise = _product(*pixels, *kernel, channels * multiplier), channels * multiplier * filters
    text = f"{depthwise.text} + {'*'.join(map(str, pixels))}*{channels * multiplier}*{filters}"
    return Formula(text, depthwise.value + prod(pixels) * pointwise)


def dense_operations(inputs: int, units: int, positions: int = 1) -> Formula:
    """Count the multiply-adds of a Dense layer: one per weight and position."""
    return _product(*([positions] if positions > 1 else []), inputs, units)


def recurrent_operations(steps: int, gates: int, inputs: int, units: int) -> Formula:
    """Count the multiply-adds of a recurrent layer: every weight of every gate once per step."""
    factors = "*".join(map(str, [*([steps] if steps > 1 else []), *([gates] if gates > 1 else []), units]))
    return Formula(f"{factors}*({inputs} + {units})", steps * gates * units * (inputs + units))


def _product(*factors: int) -> Formula:
    return Formula("*".join(map(str, factors)), prod(factors))


def _with_bias(text: str, weights: int, biases: int, bias: bool) -> Formula:
    return Formula(f"{text} + {biases}", weights + biases) if bias else Formula(text, weights)
