"""Two circles in the plane, one inside the other: classes that no line separates."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from dlkit.interfaces.data import ArraySpec, Description, Resizer, Split, check_split


@dataclass(frozen=True, kw_only=True)
class Circles:
    """Points on two circles around the origin, with normal noise of their radius (deck 002, on kernel PCA).

    examples: of train, half of them on each circle; test has half as many. factor: the radius of the inner circle; that
    of the outer one is 1.
    """

    examples: Annotated[int, Field(ge=4, le=1_000_000)] = 400
    noise: Annotated[float, Field(ge=0)] = 0.05
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.3
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    @property
    def _sizes(self) -> dict[str, int]:
        return {"train": self.examples // 2 * 2, "test": self.examples // 4 * 2}

    def describe(self) -> Description:
        """Return points (2,) and the classes inner and outer."""
        return Description(ArraySpec((2,), "float64"), ArraySpec((), "int64"), ("inner", "outer"), self._sizes)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return points float64 (n, 2) and their circle int64 (n,)."""
        check_split(split, self._sizes)
        count = self._sizes[split]
        draw = np.random.default_rng(self.seed if split == "train" else [self.seed, 1])
        angles, circle = draw.uniform(0, 2 * np.pi, count), np.repeat((0, 1), count // 2)
        radius = np.where(circle, 1, self.factor) + draw.normal(0, self.noise, count)
        return Split(np.c_[radius * np.cos(angles), radius * np.sin(angles)], circle.astype(np.int64))
