"""What in a recipe is allowed and yet worth a warning."""

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
    """A transposed convolution: its name, kernel size and stride along the axis where they fit least, and its place."""

    name: str
    kernel: int
    stride: int
    location: Location | None = None

    @property
    def uneven(self) -> bool:
        """Whether its kernels overlap more in some places than in others."""
        return self.kernel % self.stride != 0

    def warning(self) -> Problem:
        """What is wrong with an uneven one, and what to do."""
        larger = -(-self.kernel // self.stride) * self.stride
        return Problem(
            f"{self.name}: a kernel of {self.kernel} does not divide by its stride {self.stride}, so that its copies "
            "overlap unevenly (checkerboard)",
            f"a kernel of {larger}, or upsampling before an ordinary convolution, overlaps evenly",
            "",
            self.location,
        )


def overlaps(recipe: Recipe) -> list[Overlap]:
    """The transposed convolutions that a recipe writes out."""
    return [_overlap(component) for component in _components(recipe.model) if component.name in TRANSPOSED]


def _overlap(component: Component) -> Overlap:
    parameters = source(component.namespace, component.name).parameters
    given = {key: component.settings.get(key, parameters[key].default) for key in ("kernel_size", "strides")}
    return overlap_of(component.name, given["kernel_size"], given["strides"], component.location)


def overlap_of(name: str, kernel_size: Any, strides: Any, location: Location | None = None) -> Overlap:
    """The overlap of a layer's sizes, numbers or one for each axis; of several axes the worst."""
    kernels, steps = (list(value) if isinstance(value, list | tuple) else [value] for value in (kernel_size, strides))
    length = max(len(kernels), len(steps))
    pairs = list(zip(kernels * (length // len(kernels)), steps * (length // len(steps)), strict=True))
    kernel, stride = next((pair for pair in pairs if pair[0] % pair[1]), pairs[0])
    return Overlap(name, kernel, stride, location)


def _components(value: Any) -> Iterator[Component]:
    """All components in a recipe's value, outer ones first."""
    if isinstance(value, Component):
        yield value
        value = value.settings
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _components(item)
