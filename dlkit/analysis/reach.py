"""Compute reaches: which places of its input a value depends on, along one dimension of an image."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, inf, isinf, lcm
from typing import Any


@dataclass(frozen=True)
class Reach:
    """The places that a value at place i depends on: i * step - before to i * step + after, at most `size` of them.

    before, after: infinite where a value needs the whole image, or where they are unknown. size: infinite where it is
    unknown; after upsampling it is less than before + after + 1, because those cover every phase. step: 0 after all
    places have been reduced to one. grid: shifts by multiples of it keep all windows aligned.
    """

    before: Fraction | float = Fraction(0)
    after: Fraction | float = Fraction(0)
    step: Fraction = Fraction(1)
    size: Fraction | float = Fraction(1)
    grid: int = 1

    @property
    def local(self) -> bool:
        """Return whether a value depends only on a part of the image."""
        return not isinf(self.before + self.after)

    @property
    def halo(self) -> int:
        """Return the number of places around a tile that its values depend on, as a multiple of the grid."""
        return ceil(max(self.before, self.after, 0) / self.grid) * self.grid

    def followed_by(self, layer: "Reach") -> "Reach":
        """Return the reach after a further layer, whose own reach is in places of that layer's input."""
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
        """Return the reach after an unknown layer."""
        return replace(self, before=inf, after=inf, size=inf)


Field = tuple[Reach, ...]  # one reach for each dimension of an image; none where there is no image
LayerReach = Callable[[Any, Sequence[int | None]], Field | None]  # of a layer and the sizes of its input's dimensions


def widest(reaches: Iterable[Reach]) -> Reach:
    """Return the reach that covers those of several paths to a value."""
    parts = list(reaches)
    return Reach(
        max(part.before for part in parts),
        max(part.after for part in parts),
        max(part.step for part in parts),
        max(part.size for part in parts),
        lcm(*(part.grid for part in parts)),
    )


def pointwise(layer: Any, sizes: Sequence[int | None]) -> Field:
    """Return the reach of a layer whose values depend only on the same place of the input."""
    return (Reach(),) * len(sizes)


def whole_image(layer: Any, sizes: Sequence[int | None]) -> Field | None:
    """Return the reach of a layer that reduces all places to one value or vector; None where a size varies."""
    if None in sizes:
        return None
    return tuple(Reach(inf, inf, Fraction(0), Fraction(size or 0)) for size in sizes)


def unknown(layer: Any, sizes: Sequence[int | None]) -> None:
    """Return None, for a layer that mixes places in a way that no window describes."""


def window_reach(kernel: int, stride: int, dilation: int, padding: str | int) -> Reach:
    """Return the reach of a convolution or pooling; padding `same` puts the smaller half of its zeros first.

    For `same`, sizes are assumed to be multiples of the stride.
    """
    span = dilation * (kernel - 1)
    zeros = {"valid": 0, "same": max(span + 1 - stride, 0) // 2, "causal": span}
    before = zeros[padding] if isinstance(padding, str) else padding
    return Reach(Fraction(before), Fraction(span - before), Fraction(stride), Fraction(span + 1))


def transposed_reach(kernel: int, stride: int, dilation: int, padding: str | int) -> Reach:
    """Return the reach of a transposed convolution, whose padding removes places at both ends of the output."""
    span = dilation * (kernel - 1)
    zeros = {"valid": 0, "same": max(span + 1 - stride, 0) // 2}
    cut = zeros[padding] if isinstance(padding, str) else padding
    size = Fraction(span // stride + 1)
    return Reach(Fraction(span - cut, stride), Fraction(cut, stride), Fraction(1, stride), size)


def enlarged_reach(factor: int, neighbours: int = 0) -> Reach:
    """Return the reach of upsampling; neighbours: the radius of its interpolation, 0 for the nearest place.

    The k-th output of a place is at the distance (k + 1/2) / factor - 1/2 from it, with half-pixel centres, and depends
    on the places less than `neighbours` away.
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
    """Return the reach of a layer that inserts N places before the first one, or removes -N places if N < 0."""
    return Reach(Fraction(places), Fraction(-places))
