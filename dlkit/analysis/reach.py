"""Reaches: which places of its input a value depends on, along one dimension of an image."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, inf, isinf, lcm
from typing import Any


@dataclass(frozen=True)
class Reach:
    """A value at place i depends on the input's places from i * step - before to i * step + after, on `size` at most.

    before, after: infinite where no part of the image is enough, or where they are unknown. size: infinite where it is
    unknown; behind upsampling it is less than before + after + 1, which hold for every phase. step: 0 once all places
    have become one. grid: offsets that are multiples of it leave every window where it was.
    """

    before: Fraction | float = Fraction(0)
    after: Fraction | float = Fraction(0)
    step: Fraction = Fraction(1)
    size: Fraction | float = Fraction(1)
    grid: int = 1

    @property
    def local(self) -> bool:
        """Whether a part of the image is enough for a value."""
        return not isinf(self.before + self.after)

    @property
    def halo(self) -> int:
        """The places around a tile that its values depend on, as a multiple of the grid."""
        return ceil(max(self.before, self.after, 0) / self.grid) * self.grid

    def followed_by(self, layer: "Reach") -> "Reach":
        """Return the reach behind a layer whose own reach counts the places of the layer's input."""
        if self.step == 0:
            return self
        step = self.step * layer.step
        return Reach(
            self.before + layer.before * self.step,
            self.after + layer.after * self.step,
            step,
            self.size + (layer.size - 1) * self.step,
            lcm(self.grid, step.numerator or 1),
        )

    def unknown(self) -> "Reach":
        """Return the reach behind a layer of which nothing is known."""
        return replace(self, before=inf, after=inf, size=inf)


Field = tuple[Reach, ...]  # one reach for each dimension of an image; none where there is no image
LayerReach = Callable[[Any, Sequence[int | None]], Field | None]  # of a layer and the sizes of its input's dimensions


def widest(reaches: Iterable[Reach]) -> Reach:
    """Return the reach that holds all of these, which are of several paths to a value."""
    parts = list(reaches)
    return Reach(
        max(part.before for part in parts),
        max(part.after for part in parts),
        max(part.step for part in parts),
        max(part.size for part in parts),
        lcm(*(part.grid for part in parts)),
    )


def pointwise(layer: Any, sizes: Sequence[int | None]) -> Field:
    """Return the reach of a layer whose values depend on the place where they stand."""
    return (Reach(),) * len(sizes)


def whole_image(layer: Any, sizes: Sequence[int | None]) -> Field | None:
    """Return the reach of a layer that makes one value, or one vector, of all places; None where a size varies."""
    if None in sizes:
        return None
    return tuple(Reach(inf, inf, Fraction(0), Fraction(size or 0)) for size in sizes)


def unknown(layer: Any, sizes: Sequence[int | None]) -> None:
    """Return None for a layer that mixes places in a way that no window describes."""


def window_reach(kernel: int, stride: int, dilation: int, padding: str | int) -> Reach:
    """Return the reach of a convolution or pooling; padding `same` puts the smaller half of its zeros first.

    `same` is that of sizes which are multiples of the stride.
    """
    span = dilation * (kernel - 1)
    zeros = {"valid": 0, "same": max(span + 1 - stride, 0) // 2, "causal": span}
    before = zeros[padding] if isinstance(padding, str) else padding
    return Reach(Fraction(before), Fraction(span - before), Fraction(stride), Fraction(span + 1))


def transposed_reach(kernel: int, stride: int, dilation: int, padding: str | int) -> Reach:
    """Return the reach of a transposed convolution, from whose output the padding cuts places at either end."""
    span = dilation * (kernel - 1)
    zeros = {"valid": 0, "same": max(span + 1 - stride, 0) // 2}
    cut = zeros[padding] if isinstance(padding, str) else padding
    size = Fraction(span // stride + 1)
    return Reach(Fraction(span - cut, stride), Fraction(cut, stride), Fraction(1, stride), size)


def enlarged_reach(factor: int, neighbours: int = 0) -> Reach:
    """Return the reach of upsampling; neighbours: how far its interpolation looks, 0 for the nearest place.

    The k-th output of a place stands at (k + 1/2) / factor - 1/2 from it, with half-pixel centres, and depends on the
    places less than `neighbours` away.
    """
    before, after, size = Fraction(0), Fraction(0), 1
    for phase in range(factor):
        centre = Fraction(2 * phase + 1 - factor, 2 * factor)
        first = floor(centre - neighbours) + 1 if neighbours else 0
        last = ceil(centre + neighbours) - 1 if neighbours else 0
        before = max(before, Fraction(phase, factor) - first)
        after = max(after, last - Fraction(phase, factor))
        size = max(size, last - first + 1)
    return Reach(before, after, Fraction(1, factor), Fraction(size))


def shifted_reach(places: int) -> Reach:
    """Return the reach of a layer that puts so many places before the first one, or cuts them off where negative."""
    return Reach(Fraction(places), Fraction(-places))
