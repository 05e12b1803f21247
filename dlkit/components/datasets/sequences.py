"""Windows over a long series in an .npy file, each with the values that follow it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from dlkit.components.datasets._windows import Windows, parts_along_time
from dlkit.errors import InputError, MissingError
from dlkit.interfaces.data import ArraySpec, DataPath, Description, Resizer, Split, check_split
from dlkit.media.arrays import check_numbers, read_npy


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """A series, one row per step, cut into windows: `window` steps are the input, the next `horizon` the target.

    `file` is an .npy file (steps,) or (steps, features). `target` is the feature to predict, counted from 0. `stride`
    is the distance between the starts of two windows. The last steps are the test split, those before them validation,
    the first ones train, and no window crosses from one into another.
    """

    file: DataPath
    window: Annotated[int, Field(ge=1)]
    horizon: Annotated[int, Field(ge=1)] = 1
    stride: Annotated[int, Field(ge=1)] = 1
    target: Annotated[int, Field(ge=0)] = 0
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @cached_property
    def _series(self) -> np.ndarray:
        """The series (steps, features), float64."""
        path = Path(self.file)
        if not path.exists():
            raise MissingError(f"no such file: {path}", "give another path in data.source.sequences.file")
        if path.suffix != ".npy":
            raise InputError(f"{path} is not an .npy file", "save the series with numpy.save(path, series)")
        series = read_npy(path)
        check_numbers(series, str(path))
        if series.ndim > 2:
            raise InputError(
                f"{path} has the shape {list(series.shape)}", "a series is [steps] or [steps, features], one row a step"
            )
        rows = np.asarray(series, np.float64).reshape(len(series), -1)
        if self.target >= rows.shape[1]:
            raise InputError(
                f"target is {self.target}, but {path} has {rows.shape[1]} features", "they are counted from 0"
            )
        return rows

    @cached_property
    def _splits(self) -> dict[str, Split]:
        parts = parts_along_time(len(self._series), self.validation_fraction, self.test_fraction)
        windows = Windows(self.window, self.horizon, self.stride)
        return windows.cut_parts(self._series, parts, self.target)

    def describe(self) -> Description:
        """Return windows (window, features) and targets (horizon,), with as many windows per split as fit."""
        counts = {name: len(split) for name, split in self._splits.items()}
        inputs = ArraySpec((self.window, self._series.shape[1]), "float64")
        return Description(inputs, ArraySpec((self.horizon,), "float64"), (), counts)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return windows float64 (n, window, features) and the values after them, float64 (n, horizon)."""
        check_split(split, self._splits)
        return self._splits[split]
