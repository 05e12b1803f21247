"""A sine with uniform noise, cut into windows: the series of the lecture's LSTM notebook."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import Field

from dlkit.components.datasets._windows import Windows, parts_along_time
from dlkit.interfaces.data import ArraySpec, Description, Resizer, Split, check_split


@dataclass(frozen=True, kw_only=True)
class NoisySine:
    """sin(t) + noise * u for t = 0, 1, ..., with u uniform in [0, 1), and the next value to predict from a window.

    The smallest value of train becomes 0 and the largest 1. The last steps are the test split, those before them
    validation, the first ones train, and no window crosses from one into another.
    """

    steps: Annotated[int, Field(ge=2, le=1_000_000)] = 300
    noise: Annotated[float, Field(ge=0)] = 0.5
    window: Annotated[int, Field(ge=1)] = 10
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.07
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.3
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    @cached_property
    def _splits(self) -> dict[str, Split]:
        draw = np.random.default_rng(self.seed)
        series = np.sin(np.arange(self.steps)) + self.noise * draw.random(self.steps)
        parts = parts_along_time(self.steps, self.validation_fraction, self.test_fraction)
        low, high = series[parts["train"]].min(), series[parts["train"]].max()
        scaled = (series - low) / (high - low)
        return Windows(self.window, horizon=1, stride=1).cut_parts(scaled[:, np.newaxis], parts, target=0)

    def describe(self) -> Description:
        """Return windows (window, 1) and one value as the target."""
        counts = {name: len(split) for name, split in self._splits.items()}
        return Description(ArraySpec((self.window, 1), "float64"), ArraySpec((1,), "float64"), (), counts)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return windows float64 (n, window, 1) and the next values, float64 (n, 1)."""
        check_split(split, self._splits)
        return self._splits[split]
