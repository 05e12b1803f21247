"""NumPy files: one .npz with arrays x and y per split, or a folder with x_train.npy, y_train.npy and so on."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from dlkit.components.datasets._labels import class_labels, found_names
from dlkit.errors import DlkitError, InputError
from dlkit.interfaces.data import ArraySpec, DataPath, Description, Resizer, Split, check_split, resized
from dlkit.media.arrays import check_axis, check_numbers, converted, native, read_npy, read_npz
from dlkit.safety.files import MAX_CLASSES, missing_file


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """NumPy files with inputs x and targets y: one .npz per split, or a folder of .npy files.

    `train`, `validation` and `test` name .npz files with arrays `x` and `y`; alternatively, `directory` names a folder
    with x_<split>.npy and y_<split>.npy, which are memory-mapped. With `classes` (a number), targets are class indices,
    of shape (n,) or (n, 1), or masks (n, height, width) in which 255 means no class; with `class_names` they may also
    be these names as text. `kind: classes` takes the classes from train: the texts, or the indices up to the largest.
    """

    directory: DataPath | None = None
    train: DataPath | None = None
    validation: DataPath | None = None
    test: DataPath | None = None
    classes: Annotated[int, Field(ge=2)] | None = None
    class_names: list[str] = field(default_factory=list)
    kind: Literal["classes", "values"] | None = None

    def __post_init__(self) -> None:
        if (self.directory is None) == (self.train is None):
            raise InputError("arrays takes either directory or train", "such as arrays: {train: train.npz, classes: 3}")
        if (self.classes or 0) > MAX_CLASSES:
            raise InputError(f"{self.classes:,} classes are declared", f"at most {MAX_CLASSES:,} are allowed")
        if self.classes and self.class_names and self.classes != len(self.class_names):
            raise InputError(f"classes is {self.classes} but {len(self.class_names)} class_names are given")
        if self.kind == "values" and (self.classes or self.class_names):
            raise InputError("kind: values has no classes", "remove classes and class_names, or kind")

    @cached_property
    def _files(self) -> dict[str, tuple[str, list[np.ndarray]]]:
        """Where each split comes from, and its x and y as stored."""
        splits = ("train", "validation", "test")
        if self.directory is not None:
            folder = Path(self.directory)
            found = [name for name in splits if (folder / f"x_{name}.npy").exists()]
            if "train" not in found:
                raise _missing(folder / "x_train.npy")
            return {name: (name, [_read(folder / f"{part}_{name}.npy")[0] for part in "xy"]) for name in found}
        files = {name: Path(file) for name in splits if (file := getattr(self, name))}
        return {name: (str(path), _read(path)) for name, path in files.items()}

    @cached_property
    def _splits(self) -> dict[str, Split]:
        """The checked splits; the values of x are converted when they are loaded."""
        train = self._files["train"][1][0]
        found = {}
        for name, (where, (x, y)) in self._files.items():
            _check_pair(x, y, where)
            if x.ndim != train.ndim or x.shape[-1:] != train.shape[-1:]:
                raise InputError(
                    f"{where}: x has the shape {list(x.shape)}, but that of train is {list(train.shape)}",
                    "prepare all splits in the same way",
                )
            found[name] = Split(x, self._targets(y, f"{where}: y"))
        return found

    @cached_property
    def _names(self) -> tuple[str, ...]:
        if self.kind == "classes" and not (self.classes or self.class_names):
            where, (_, y) = self._files["train"]
            return found_names(y, f"{where}: y")
        return tuple(self.class_names) or tuple(str(index) for index in range(self.classes or 0))

    def _targets(self, y: np.ndarray, where: str) -> np.ndarray:
        """Return class indices, or values (n, ...) with at least one axis besides the first."""
        if self._names:
            return class_labels(y, self._names, bool(self.class_names) or self.kind == "classes", where)
        check_numbers(y, where)
        return y if y.ndim > 1 else y.reshape(-1, 1)

    def describe(self) -> Description:
        """Return the description, from the headers of the files; check the range of class indices."""
        inputs, targets = (
            ArraySpec(tuple(array.shape[1:]), str(array.dtype.newbyteorder("=")))
            for array in (self._splits["train"].inputs, self._splits["train"].targets)
        )
        return Description(inputs, targets, self._names, {name: len(split) for name, split in self._splits.items()})

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return inputs in the dtype of train, resized together with masks, and targets as class indices or values."""
        check_split(split, self._splits)
        part, spec = self._splits[split], self.describe()
        inputs = resized(converted(part.inputs, spec.inputs.dtype, f"{self._files[split][0]}: x"), resize)
        if self._names and part.targets.ndim == 3 and resize is not None:
            masks = resized(part.targets[..., np.newaxis], resize.of_labels())
            return Split(inputs, masks[..., 0])
        return Split(inputs, native(part.targets))


def _check_pair(x: np.ndarray, y: np.ndarray, where: str) -> None:
    """Raise InputError unless x are numbers (n, ...) with an axis of values, and y has as many rows."""
    check_numbers(x, f"{where}: x")
    check_axis(y, f"{where}: y")
    if len(x) != len(y):
        raise InputError(f"{where}: {len(x)} inputs and {len(y)} targets", "give one target per input")
    if x.ndim == 1:
        raise InputError(
            f"{where}: x has the shape {list(x.shape)}", "one value per example has the shape [n, 1]: x.reshape(-1, 1)"
        )


def _missing(path: Path) -> DlkitError:
    return missing_file(path, "save the arrays there, or give another path in data.source.arrays")


def _read(path: Path) -> list[np.ndarray]:
    """Return the array of an .npy file, or x and y of an .npz file."""
    if not path.exists():
        raise _missing(path)
    return [read_npy(path)] if path.suffix == ".npy" else read_npz(path, ("x", "y"))
