"""NumPy files: one .npz with arrays x and y per split, or a folder with x_train.npy, y_train.npy and so on."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated
from zipfile import BadZipFile

import numpy as np
from pydantic import Field

from dlkit.errors import InputError, MissingError
from dlkit.interfaces.data import ArraySpec, Description, Resizer, Split, check_split, resized
from dlkit.safety.arrays import check_arrays
from dlkit.safety.files import MAX_CLASSES, UnreadableError


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """NumPy files with inputs x and targets y: one .npz per split, or a folder of .npy files.

    `train`, `validation` and `test` name .npz files with arrays `x` and `y`; alternatively, `directory` names a folder
    with x_<split>.npy and y_<split>.npy, which are memory-mapped. With `classes` (a number), targets are class indices.
    """

    directory: str | None = None
    train: str | None = None
    validation: str | None = None
    test: str | None = None
    classes: Annotated[int, Field(ge=2)] | None = None
    class_names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if (self.directory is None) == (self.train is None):
            raise InputError("arrays takes either directory or train", "such as arrays: {train: train.npz, classes: 3}")
        if (self.classes or 0) > MAX_CLASSES:
            raise InputError(f"{self.classes:,} classes are declared", f"at most {MAX_CLASSES:,} are allowed")
        if self.classes and self.class_names and self.classes != len(self.class_names):
            raise InputError(f"classes is {self.classes} but {len(self.class_names)} class_names are given")

    @cached_property
    def _splits(self) -> dict[str, Split]:
        names = ["train", "validation", "test"]
        if self.directory is not None:
            folder = Path(self.directory)
            found = {name: folder for name in names if (folder / f"x_{name}.npy").exists()}
            if "train" not in found:
                raise _missing(folder / "x_train.npy")
            return {name: _checked(name, *(_read_npy(folder / f"{a}_{name}.npy") for a in "xy")) for name in found}
        files = {name: Path(file) for name in names if (file := getattr(self, name))}
        return {name: _checked(str(path), *_read_npz(path)) for name, path in files.items()}

    def describe(self) -> Description:
        """Return the description, from the headers of the files; check the range of class indices."""
        splits = self._splits
        inputs, targets = splits["train"].inputs, splits["train"].targets
        lengths = {name: len(split) for name, split in splits.items()}
        spec = ArraySpec(tuple(inputs.shape[1:]), str(inputs.dtype))
        names = tuple(self.class_names) or tuple(str(index) for index in range(self.classes or 0))
        if not names:
            return Description(spec, ArraySpec(_value_shape(targets), str(targets.dtype)), (), lengths)
        for name, split in splits.items():
            _check_classes(name, split.targets, len(names))
        return Description(spec, ArraySpec(tuple(targets.shape[1:]), "int64"), names, lengths)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return inputs and targets as stored; target values of shape (n,) are reshaped to (n, 1)."""
        check_split(split, self._splits)
        part = self._splits[split]
        if not (self.classes or self.class_names):
            return Split(resized(part.inputs, resize), part.targets.reshape(len(part), *_value_shape(part.targets)))
        return Split(resized(part.inputs, resize), part.targets.astype(np.int64))


def _value_shape(targets: np.ndarray) -> tuple[int, ...]:
    return tuple(targets.shape[1:]) or (1,)


def _missing(path: Path) -> MissingError:
    return MissingError(f"no such file: {path}", "save the arrays there, or give another path in data.source.arrays")


def _read_npy(path: Path) -> np.ndarray:
    if not path.exists():
        raise _missing(path)
    try:
        check_arrays(path)
        return np.asanyarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (UnreadableError, ValueError, OSError) as error:
        raise InputError(f"{path} is not a readable .npy file: {error}") from error


def _read_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    if not path.exists():
        raise _missing(path)
    try:
        check_arrays(path)
        with np.load(path, allow_pickle=False) as archive:
            missing = {"x", "y"} - set(archive.files)
            if missing:
                raise InputError(f"{path} lacks {' and '.join(sorted(missing))}", f"it contains: {archive.files}")
            return archive["x"], archive["y"]
    except (UnreadableError, ValueError, OSError, BadZipFile, AttributeError, TypeError) as error:
        raise InputError(
            f"{path} is not a readable .npz file: {error}", "save it with numpy.savez(path, x=..., y=...)"
        ) from error


def _checked(name: str, inputs: np.ndarray, targets: np.ndarray) -> Split:
    if len(inputs) != len(targets) or not len(inputs):
        raise InputError(f"{name}: {len(inputs)} inputs and {len(targets)} targets", "give one target per input")
    return Split(inputs, targets)


def _check_classes(name: str, targets: np.ndarray, classes: int) -> None:
    if not np.issubdtype(targets.dtype, np.integer) or targets.min() < 0 or targets.max() >= classes:
        raise InputError(
            f"{name}: targets are {targets.dtype} from {targets.min()} to {targets.max()}",
            f"class indices must be integers from 0 to {classes - 1}",
        )
