"""How far a network looks: which input pixels an output pixel depends on, computed layer by layer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import keras

_POINTWISE = {
    *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Dropout", "SpatialDropout2D", "GaussianNoise"),
    *("BatchNormalization", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Rescaling"),
}
_WINDOWS = {
    *("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D", "MaxPoolingWithIndices"),
}
_TRANSPOSED = {"Conv2DTranspose", "TransposedConvolution"}


@dataclass(frozen=True)
class Reach:
    """An output at place i depends on input pixels from i * step - before to i * step + after.

    grid: sizes and offsets that are multiples of it leave every pooling window where it was.
    """

    before: Fraction
    after: Fraction
    step: Fraction
    grid: int = 1

    @property
    def halo(self) -> int:
        """Pixels around a tile that its outputs depend on, as a multiple of the grid."""
        return ceil(max(self.before, self.after, Fraction(0)) / self.grid) * self.grid


def receptive_field(network: keras.Model) -> Reach | None:
    """The reach of a network's output; None where a layer looks at the whole image, or cannot be told."""
    known = {id(tensor): Reach(Fraction(0), Fraction(0), Fraction(1)) for tensor in network.inputs}
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        reaches = [known.get(id(tensor)) for tensor in keras.tree.flatten(layer.input)]
        found = _through(layer, reaches)
        known |= {id(tensor): found for tensor in keras.tree.flatten(layer.output) if found}
    output = network.output["output"] if isinstance(network.output, dict) else network.output
    reach = known.get(id(output))
    return reach and Reach(reach.before, reach.after, reach.step, _grid(known.values()))


def grid_of(network: keras.Model) -> int:
    """The pixels that the deepest layer steps by, whatever else the network looks at."""
    known = {id(tensor): Reach(Fraction(0), Fraction(0), Fraction(1)) for tensor in network.inputs}
    for layer in network.layers:
        reaches = [known[id(tensor)] for tensor in keras.tree.flatten(layer.input) if id(tensor) in known]
        found = _through(layer, reaches) or (reaches[0] if reaches else None)
        known |= {id(tensor): found for tensor in keras.tree.flatten(layer.output) if found and id(tensor) not in known}
    return _grid(known.values())


def _grid(reaches: Any) -> int:
    steps: list[int] = [ceil(reach.step) for reach in reaches]
    return max(1, *steps)


def _through(layer: Any, reaches: Sequence[Reach | None]) -> Reach | None:
    """The reach behind a layer from those before it."""
    if not reaches or any(reach is None for reach in reaches):
        return None
    joined = _joined([reach for reach in reaches if reach])
    name = type(layer).__name__
    if name in _POINTWISE:
        return joined
    if name == "CropLike":  # the tensor that is cut; what it is cut to only gives the size
        return reaches[0]
    if name in _WINDOWS:
        return _window(layer, joined)
    change = _CHANGES.get(name)
    return change(layer, joined) if change else None


def _joined(reaches: list[Reach]) -> Reach:
    before, after = max(r.before for r in reaches), max(r.after for r in reaches)
    return Reach(before, after, reaches[0].step)


def _window(layer: Any, reach: Reach) -> Reach:
    """A window of convolution or pooling; padding same puts the smaller half of its zeros first."""
    kernel = _first(getattr(layer, "kernel_size", None) or layer.pool_size)
    stride = _first(getattr(layer, "strides", None) or kernel)
    reach_of_kernel = (kernel - 1) * _first(getattr(layer, "dilation_rate", 1)) + 1
    same = getattr(layer, "padding", "valid") == "same"
    before = max(reach_of_kernel - stride, 0) // 2 if same else 0
    after = reach_of_kernel - 1 - before
    return Reach(reach.before + before * reach.step, reach.after + after * reach.step, reach.step * stride)


def _transposed(layer: Any, reach: Reach) -> Reach:
    """Every input is spread over a kernel, of whose places `cut` come before the output's first."""
    kernel, stride = _first(layer.kernel_size), _first(layer.strides)
    cut = getattr(layer, "cut", max(kernel - stride, 0) // 2 if layer.padding == "same" else 0)
    step = reach.step / stride
    return Reach(reach.before + max(kernel - 1 - cut, stride - 1) * step, reach.after + cut * step, step)


def _enlarged(layer: Any, reach: Reach) -> Reach:
    """Nearest takes the pixel that an output lies in, bilinear its neighbours too."""
    size = _first(layer.size)
    step = reach.step / size
    neighbours = 0 if getattr(layer, "interpolation", "bilinear") == "nearest" else size
    return Reach(reach.before + (size - 1 + neighbours) * step, reach.after + neighbours * step, step)


def _unpooled(layer: Any, reach: Reach) -> Reach:
    step = reach.step / layer.pool_size
    return Reach(reach.before + (layer.pool_size - 1) * step, reach.after, step)


def _padded(layer: Any, reach: Reach) -> Reach:
    zeros = layer.padding[0][0]
    return Reach(reach.before + zeros * reach.step, reach.after - zeros * reach.step, reach.step)


def _first(value: Any) -> int:
    return int(value[0] if isinstance(value, list | tuple) else value)


_CHANGES: dict[str, Callable[[Any, Reach], Reach]] = {
    **dict.fromkeys(_TRANSPOSED, _transposed),
    "UpSampling2D": _enlarged,
    "BilinearUpsampling": _enlarged,
    "MaxUnpooling": _unpooled,
    "ZeroPadding2D": _padded,
}
