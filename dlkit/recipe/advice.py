"""Warn about recipe settings that are valid but questionable."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dlkit.catalog.create import Component
from dlkit.catalog.find import source
from dlkit.errors import Location, Problem
from dlkit.recipe.schema import Recipe

TRANSPOSED = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "TransposedConvolution")


@dataclass(frozen=True)
class Overlap:
    """A transposed convolution: its name, its location, and the kernel size and stride of its worst axis."""

    name: str
    kernel: int
    stride: int
    location: Location | None = None

    @property
    def uneven(self) -> bool:
        """Return whether the kernels overlap more in some places than in others."""
        return self.kernel % self.stride != 0

    def warning(self) -> Problem:
        """Return the warning about an uneven overlap, with a fix."""
        larger = -(-self.kernel // self.stride) * self.stride
        return Problem(
            f"{self.name}: the kernel size {self.kernel} is not divisible by the stride {self.stride}, so its copies "
            "overlap unevenly (checkerboard)",
            f"use a kernel size of {larger}, or upsampling followed by an ordinary convolution",
            "",
            self.location,
        )


def overlaps(recipe: Recipe) -> list[Overlap]:
    """Return the transposed convolutions that a recipe lists explicitly."""
    return [_overlap(component) for component in _components(recipe.model) if component.name in TRANSPOSED]


def _overlap(component: Component) -> Overlap:
    parameters = source(component.namespace, component.name).parameters
    given = {key: component.settings.get(key, parameters[key].default) for key in ("kernel_size", "strides")}
    return overlap_of(component.name, given["kernel_size"], given["strides"], component.location)


def overlap_of(name: str, kernel_size: Any, strides: Any, location: Location | None = None) -> Overlap:
    """Return the overlap for a layer's sizes, each one number or one per axis; of several axes the worst."""
    kernels, steps = (list(value) if isinstance(value, list | tuple) else [value] for value in (kernel_size, strides))
    length = max(len(kernels), len(steps))
    pairs = list(zip(kernels * (length // len(kernels)), steps * (length // len(steps)), strict=True))
    kernel, stride = next((pair for pair in pairs if pair[0] % pair[1]), pairs[0])
    return Overlap(name, kernel, stride, location)


def _components(value: Any) -> Iterator[Component]:
    """Yield all components in a recipe's value, outer ones first."""
    if isinstance(value, Component):
        yield value
        value = value.settings
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _components(item)
