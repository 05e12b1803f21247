"""The record of a layer type, from which its row, its cost and its receptive field are computed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dlkit.analysis import formulas
from dlkit.analysis.formulas import Formula
from dlkit.analysis.reach import Field, LayerReach, transposed_reach, window_reach


@dataclass(frozen=True)
class Window:
    """A window that moves over an image: its kernel, strides and dilation, with one number per dimension.

    padding: `valid`, `same`, `causal` or the zeros on each side. transposed: the window moves over the output.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str | int = "valid"
    transposed: bool = False

    def output_sizes(self, sizes: Sequence[int | None]) -> list[Formula]:
        """Return one formula per dimension, or [] where a size varies."""
        if None in sizes or self.padding == "causal":
            return []
        known = [size for size in sizes if size is not None]
        if not self.transposed:
            dimensions = zip(known, self.kernel, self.strides, self.dilation, strict=True)
            return [formulas.window_size(i, k, s, self.padding, d) for i, k, s, d in dimensions]
        kernel = [formulas.effective_kernel(k, d).value for k, d in zip(self.kernel, self.dilation, strict=True)]
        return [
            formulas.transposed_size(i, k, s, self.padding) for i, k, s in zip(known, kernel, self.strides, strict=True)
        ]

    def reach(self) -> Field:
        """Return the reach of a value along every dimension."""
        one = transposed_reach if self.transposed else window_reach
        return tuple(one(k, s, d, self.padding) for k, s, d in self._dimensions())

    def _dimensions(self) -> Iterator[tuple[int, int, int]]:
        return zip(self.kernel, self.strides, self.dilation, strict=True)


@dataclass(frozen=True)
class LayerFacts:
    """Facts about a layer type, each a function of a built layer, or None where a fact does not apply.

    A layer that is not part of Keras provides its record in the class attribute `layer_facts`.

    window: the window that the layer moves over an image; its output sizes and its reach follow from it.
    parameters: the formula of the number of weights.
    multiply_adds: those of one example; may raise TypeError where a size varies. Without it, a layer without weights
    counts as free, and the number for any other is unknown.
    reach: a function of the layer and its input's sizes, for layers without a window; returns None where unknown.
    notes: special features of the layer.
    reads: how many of its inputs its values depend on, where the others only provide a size.
    """

    window: Callable[[Any], Window | None] | None = None
    parameters: Callable[[Any], Formula | None] | None = None
    multiply_adds: Callable[[Any], Formula] | None = None
    reach: LayerReach | None = None
    notes: Callable[[Any], list[str]] | None = None
    reads: int | None = None


def spatial(layer: Any, shape: Any) -> list[int | None]:
    """Return the sizes of an image's dimensions in a shape, with the channels first or last."""
    return list(shape[2:] if channels_first(layer) else shape[1:-1])


def channels_of(layer: Any, shape: Any) -> int:
    """Return the number of channels in a shape."""
    return int(shape[1] if channels_first(layer) else shape[-1])


def channels_first(layer: Any) -> bool:
    """Return whether the layer's channels come before its spatial dimensions."""
    return getattr(layer, "data_format", None) == "channels_first"


def pixels(layer: Any, shape: Any) -> tuple[int, ...]:
    """Return the sizes of an image's dimensions in a shape; raise TypeError when one varies."""
    sizes = spatial(layer, shape)
    if None in sizes:
        raise TypeError(f"{layer.name} works on images of any size")
    return tuple(size or 0 for size in sizes)


def shape_in(layer: Any) -> Any:
    """Return the shape of what a layer reads; a mask may come with it as a second input."""
    read = layer.input[0] if isinstance(layer.input, list | tuple) else layer.input
    return tuple(read.shape)


def one_step(sizes: Any) -> Any:
    """Return the sizes of one step of a sequence [any length, features], and other sizes as they are."""
    return (1, sizes[1]) if len(sizes) == 2 and sizes[0] is None and sizes[1] is not None else tuple(sizes)
