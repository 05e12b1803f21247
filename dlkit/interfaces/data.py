"""The interface of datasets: a description without loading, and splits with a length and read(indices)."""

import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Literal, Protocol

import numpy as np

from dlkit.errors import InputError
from dlkit.interfaces.ragged import Ragged
from dlkit.interfaces.table import Table

VOID = 255
"""The label of mask pixels that belong to no class; losses and metrics ignore them."""

SMALL_BYTES = 1 << 24

DataPath = str
"""A setting that is the path of a file or folder of data: made absolute in a run, and replaced by --data."""


@dataclass(frozen=True)
class ArraySpec:
    """The shape without the batch dimension (None where it varies) and the dtype name of one array."""

    shape: tuple[int | None, ...]
    dtype: str

    @property
    def is_sequence(self) -> bool:
        """Return whether examples are sequences of different lengths: only the first axis varies."""
        return len(self.shape) > 0 and self.shape[0] is None and None not in self.shape[1:]

    def fits(self, shape: tuple[int | None, ...]) -> bool:
        """Return whether an array of this shape is such an example."""
        return len(shape) == len(self.shape) and all(w in (None, s) for w, s in zip(self.shape, shape, strict=True))


@dataclass(frozen=True)
class TextFiles:
    """How texts are read from files: their encoding, and whether a text is a line or a whole file."""

    encoding: str = "utf-8"
    unit: Literal["line", "file"] = "line"


@dataclass(frozen=True)
class Description:
    """A dataset's inputs, raw targets (class indices when class_names is given) and number of examples per split.

    target_names: the names of targets that are values, for display. table: how inputs are read from the columns of a
    table, for data that is one. text: how texts are read from files, for data that is texts. sampling_rate:
    in Hz, for inputs that are recordings. unnamed: class_names are the numbers of classes whose names are unknown until
    the data is there.
    """

    inputs: ArraySpec
    targets: ArraySpec
    class_names: tuple[str, ...] = ()
    splits: Mapping[str, int] = field(default_factory=dict)
    target_names: tuple[str, ...] = ()
    table: Table | None = None
    text: TextFiles | None = None
    sampling_rate: int | None = None
    unnamed: bool = False


def table_spec(table: Table) -> ArraySpec:
    """Return the shape and dtype of the inputs that a row of a table has."""
    shape = () if table.is_raw else (len(table.columns),)
    return ArraySpec(shape, "string" if table.is_text else "float64")


class Rows:
    """A selection of rows of an array, read on access; `array` itself can stay on disk."""

    def __init__(self, array: "np.ndarray | Rows", rows: np.ndarray) -> None:
        self.array, self.rows = array, rows
        self.shape: tuple[int, ...] = (len(rows), *array.shape[1:])
        self.dtype: np.dtype = array.dtype
        self.nbytes: int = len(rows) * (array.nbytes // max(1, len(array)))

        self.ndim: int = array.ndim

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: Any) -> np.ndarray:
        """Return the rows at `indices` (a number, a slice or an array of indices) as an array."""
        return np.asarray(self.array[self.rows[indices]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all rows as an array."""
        return np.asarray(self[:], dtype)


@dataclass(frozen=True, eq=False)
class Split:
    """Examples with random access: inputs (n, ...) and raw targets (n, ...).

    Each is an array in memory, a memory-mapped array, or Rows of one; sequences of different lengths are Ragged, and
    Texts are texts. names: (n,) str, the file of each example, for messages; None if examples have none of their own.
    """

    inputs: Any
    targets: Any
    names: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def nbytes(self) -> int:
        """Return the number of bytes of all examples."""
        return int(self.inputs.nbytes + self.targets.nbytes)

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the examples at `indices` as (inputs, targets)."""
        return self.inputs[indices], self.targets[indices]

    def select(self, indices: np.ndarray) -> "Split":
        """Return a split of the examples at `indices`, in their original order; data on disk stays on disk."""
        rows = np.sort(indices)
        names = None if self.names is None else self.names[rows]
        return Split(_rows(self.inputs, rows), _rows(self.targets, rows), names)

    def drawn(self, count: int, seed: int = 0) -> "Split":
        """Return `count` examples drawn by the seed, in their original order; all of them where there are no more."""
        return self if count >= len(self) else self.select(np.random.default_rng(seed).permutation(len(self))[:count])

    def name(self, index: int, split: str) -> str:
        """Return what to call an example of this split in messages: its file, or the split with its index from 0."""
        return f"{split}[{index}]" if self.names is None else str(self.names[index])


def on_disk(array: "np.ndarray | Rows | Ragged") -> bool:
    """Return whether an array's values are read from a file on access."""
    if isinstance(array, Ragged):
        return on_disk(array.values)
    return on_disk(array.array) if isinstance(array, Rows) else isinstance(array, np.memmap)


def forget_pages(array: "np.ndarray | Rows | Ragged") -> None:
    """Release the memory of a memory-mapped array's pages; they are read again on access."""
    if isinstance(array, Rows | Ragged):
        forget_pages(array.array if isinstance(array, Rows) else array.values)
    elif isinstance(array, np.memmap) and isinstance(array._mmap, mmap.mmap):  # type: ignore[attr-defined]
        array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]


def _rows(array: Any, rows: np.ndarray) -> Any:
    """Return rows of an array, read immediately unless they are large and on disk."""
    if isinstance(array, Ragged):
        return array.select(rows)
    return Rows(array, rows) if on_disk(array) and array.nbytes > SMALL_BYTES else np.asarray(array[rows])


def longest_example(array: "np.ndarray | Rows | Ragged") -> int:
    """Return the number of values of the largest example; a text counts as one."""
    longest = array.longest if isinstance(array, Ragged) else 1
    return int(np.prod([size if size is not None else longest for size in array.shape[1:]]))


def spec_dtype(array: "np.ndarray | Rows | Ragged") -> str:
    """Return the name of an array's dtype in an ArraySpec: `string` for text of any length."""
    return "string" if array.dtype.kind in "SU" else str(array.dtype)


class Resizer(Protocol):
    """Resizes images to the same size; `key` identifies its settings in caches."""

    key: str

    def __call__(self, images: Any) -> Any:
        """Return resized images (..., height, width, channels) of the same dtype."""

    def __hash__(self) -> int:
        """Return a hash, so that a resizer can be a key in caches."""

    def of_labels(self) -> "Resizer":
        """Return the same resizing for masks of labels, with nearest-neighbour interpolation."""


class Dataset(Protocol):
    """A file in components/datasets/: a dataclass whose fields are the settings that a recipe may give."""

    def describe(self) -> Description:
        """Return the dataset's description without loading examples and, if possible, without TensorFlow."""

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return the examples of one split; raise MissingError when the data is missing."""


def check_split(split: str, available: Mapping[str, Any] | list[str]) -> None:
    """Raise InputError when the dataset has no such split."""
    if split not in available:
        part = "; to hold out a part of train, use data.validation: {fraction: 0.2}" if "[" in split else ""
        raise InputError(f"the data has no split {split!r}", f"its splits are: {', '.join(available) or 'none'}{part}")


def resized(inputs: np.ndarray, resize: Resizer | None, batch: int = 256) -> np.ndarray:
    """Return images (n, h, w, c) resized batch by batch, or unchanged without a resizer."""
    if resize is None:
        return inputs
    return np.concatenate([resize(inputs[start : start + batch]) for start in range(0, len(inputs), batch)])


def seeded_split(
    targets: np.ndarray, fraction: float, seed: int, stratify: bool, names: tuple[str, ...] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Return sorted indices (kept, held out) with `fraction` held out, the same share of each class if `stratify`.

    names: those of the classes, for messages. Raises InputError when a part would be empty or smaller than the number
    of classes.
    """
    from sklearn.model_selection import train_test_split

    held_out = ceil(len(targets) * fraction)
    _check_sizes(targets, held_out, names if stratify else None, f"{fraction:g} of {len(targets)} examples")
    kept, held = train_test_split(
        np.arange(len(targets)), test_size=fraction, random_state=seed, stratify=targets if stratify else None
    )
    return np.sort(kept), np.sort(held)


def _check_sizes(targets: np.ndarray, held: int, names: tuple[str, ...] | None, share: str) -> None:
    """Raise InputError unless `held` examples and the rest can each contain every class; names: None if not needed."""
    least, kept = 1, len(targets) - held
    if names is not None:
        labels, counts = np.unique(targets, return_counts=True)
        least = len(labels)
        if counts.min() < 2:
            label = int(labels[counts.argmin()])
            raise InputError(
                f"cannot hold out {share}: class {names[label] if names else label!r} has a single example",
                "every class needs at least 2 examples: add some, or leave the class out",
            )
    if min(held, kept) < least:
        raise InputError(
            f"cannot hold out {share}: that is {held}, which leaves {kept}, for {least} classes"
            if names is not None
            else f"cannot hold out {share}: that is {held}, which leaves {kept}",
            f"hold out a fraction that gives both parts at least {least}, or use more examples",
        )
