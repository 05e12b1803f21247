"""Sequences of different lengths, or windows over a long series, each with the values that follow it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from dlkit.components.datasets._sequence_files import same_features, sequence_split
from dlkit.components.datasets._windows import Windows, parts_along_time
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, DataPath, Description, Resizer, Split, check_split
from dlkit.media.arrays import check_numbers, read_npy
from dlkit.safety.files import missing_file


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """Sequences of different lengths from .npz files, or windows over one long series, one row per step.

    `train`, `validation` and `test` name .npz files with arrays `x` (n, steps, ...), `lengths` (n,), the steps of each
    that are real, and `y`; `class_names` are those of the indices or texts in y, without them y are values. Integers
    (n, steps) are indices that count from 1.

    `file` is an .npy file (steps,) or (steps, features), cut into windows: `window` steps are the input, the next
    `horizon` the target. `target` is the feature to predict, counted from 0. `stride` is the distance between the
    starts of two windows. The last steps are the test split, those before them validation, the first ones train, and
    no window crosses from one into another.
    """

    file: DataPath | None = None
    window: Annotated[int, Field(ge=1)] | None = None
    horizon: Annotated[int, Field(ge=1)] = 1
    stride: Annotated[int, Field(ge=1)] = 1
    target: Annotated[int, Field(ge=0)] = 0
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    train: DataPath | None = None
    validation: DataPath | None = None
    test: DataPath | None = None
    class_names: Annotated[list[str], Field(min_length=2)] | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.train is None):
            raise InputError(
                "sequences takes either file or train", "such as sequences: {file: series.npy, window: 10}"
            )
        if (self.file is None) != (self.window is None):
            raise InputError("a series needs a window, and sequences in .npz files none", "give both file and window")

    @cached_property
    def _series(self) -> np.ndarray:
        """The series (steps, features), float64."""
        path = Path(self.file or "")
        if not path.exists():
            raise missing_file(path, "give another path in data.source.sequences.file")
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
        if self.train is not None:
            return self._given()
        parts = parts_along_time(len(self._series), self.validation_fraction, self.test_fraction)
        windows = Windows(self.window or 0, self.horizon, self.stride)
        return windows.cut_parts(self._series, parts, self.target)

    def _given(self) -> dict[str, Split]:
        """Return the splits of the .npz files, with the dtype of train."""
        files = {name: path for name in ("train", "validation", "test") if (path := getattr(self, name)) is not None}
        names = tuple(self.class_names or ())
        train = sequence_split(Path(files.pop("train")), names)
        found = {"train": train}
        for name, path in files.items():
            found[name] = sequence_split(Path(path), names, str(train.inputs.dtype))
            same_features(train.inputs, found[name].inputs, path)
        return found

    def describe(self) -> Description:
        """Return sequences (any number of steps, ...), or windows (window, features) and targets (horizon,)."""
        counts, train = {name: len(split) for name, split in self._splits.items()}, self._splits["train"]
        inputs = ArraySpec(train.inputs.shape[1:], str(train.inputs.dtype))
        targets = ArraySpec(train.targets.shape[1:], str(train.targets.dtype))
        return Description(inputs, targets, tuple(self.class_names or ()), counts)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return sequences with their targets, or windows (n, window, features) with the values after them."""
        check_split(split, self._splits)
        return self._splits[split]
