"""What every dataset offers: a description without loading, and splits with a length and read(indices)."""

import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from dlkit.errors import InputError

VOID = 255
"""The label of mask pixels that belong to no class; no loss and no metric counts them."""

SMALL_BYTES = 1 << 24


@dataclass(frozen=True)
class ArraySpec:
    """Shape without the batch dimension (None where it varies) and dtype name of one array."""

    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class Description:
    """What a dataset holds: inputs, raw targets (class indices when class_names is given), examples per split."""

    inputs: ArraySpec
    targets: ArraySpec
    class_names: tuple[str, ...] = ()
    splits: Mapping[str, int] = field(default_factory=dict)


class Rows:
    """Some rows of an array, read when they are asked for: `array` stays where it is, such as on disk."""

    def __init__(self, array: "np.ndarray | Rows", rows: np.ndarray) -> None:
        self.array, self.rows = array, rows
        self.shape: tuple[int, ...] = (len(rows), *array.shape[1:])
        self.dtype: np.dtype = array.dtype
        self.nbytes: int = len(rows) * (array.nbytes // max(1, len(array)))

        self.ndim: int = array.ndim

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: Any) -> np.ndarray:
        """The rows at `indices` (a number, a slice, or an array of them) as an array."""
        return np.asarray(self.array[self.rows[indices]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All rows."""
        return np.asarray(self[:], dtype)


@dataclass(frozen=True, eq=False)
class Split:
    """Examples with random access: inputs (n, ...) and raw targets (n, ...).

    Each is an array in memory, a memory-mapped one, or Rows of one on disk. lengths: int (n,), how much of each input
    along its first axis is real where examples are padded to one size; None where all of it is.
    """

    inputs: Any
    targets: Any
    lengths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def nbytes(self) -> int:
        """Bytes of all examples."""
        return int(self.inputs.nbytes + self.targets.nbytes)

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The examples at `indices`, as (inputs, targets)."""
        return self.inputs[indices], self.targets[indices]

    def select(self, indices: np.ndarray) -> "Split":
        """The split of the examples at `indices`, in the order of this one; what is on disk stays there."""
        rows = np.sort(indices)
        lengths = None if self.lengths is None else self.lengths[rows]
        return Split(_rows(self.inputs, rows), _rows(self.targets, rows), lengths)


def on_disk(array: "np.ndarray | Rows") -> bool:
    """Whether an array's values are read from a file when they are asked for."""
    return on_disk(array.array) if isinstance(array, Rows) else isinstance(array, np.memmap)


def forget_pages(array: "np.ndarray | Rows") -> None:
    """Let the system take back the memory that the pages of a memory-mapped array fill; they are read again on use."""
    if isinstance(array, Rows):
        forget_pages(array.array)
    elif isinstance(array, np.memmap) and isinstance(array._mmap, mmap.mmap):  # type: ignore[attr-defined]
        array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]


def _rows(array: "np.ndarray | Rows", rows: np.ndarray) -> "np.ndarray | Rows":
    """Rows of an array: read now, unless they are many and on disk."""
    return Rows(array, rows) if on_disk(array) and array.nbytes > SMALL_BYTES else np.asarray(array[rows])


class Resizer(Protocol):
    """Gives images one size; `key` names its settings for caches."""

    key: str

    def __call__(self, images: Any) -> Any:
        """Resized images (..., height, width, channels) in uint8."""

    def __hash__(self) -> int:
        """Resizers stand for what was made with them."""

    def of_labels(self) -> "Resizer":
        """The same resizing for masks of labels, by nearest neighbours."""


class Dataset(Protocol):
    """A file in dlkit/datasets/: a dataclass whose fields are the settings a recipe may give."""

    def describe(self) -> Description:
        """What the dataset holds, without loading examples and, where possible, without TensorFlow."""

    def load(self, split: str, resize: Resizer | None) -> Split:
        """The examples of one split; raises MissingError when the data is not there."""


def check_split(split: str, available: Mapping[str, Any] | list[str]) -> None:
    """Raise InputError when the dataset has no such split."""
    if split not in available:
        raise InputError(f"the data has no split {split!r}", f"its splits are: {', '.join(available) or 'none'}")


def resized(inputs: np.ndarray, resize: Resizer | None, batch: int = 256) -> np.ndarray:
    """Images (n, h, w, c) resized batch by batch, unchanged when the recipe asks for no size."""
    if resize is None:
        return inputs
    return np.concatenate([resize(inputs[start : start + batch]) for start in range(0, len(inputs), batch)])


def seeded_split(targets: np.ndarray, fraction: float, seed: int, stratify: bool) -> tuple[np.ndarray, np.ndarray]:
    """Sorted indices (kept, held out) with `fraction` held out, the same share of every class when `stratify`."""
    from sklearn.model_selection import train_test_split

    try:
        kept, held = train_test_split(
            np.arange(len(targets)), test_size=fraction, random_state=seed, stratify=targets if stratify else None
        )
    except ValueError as error:
        raise InputError(
            f"{fraction:g} of {len(targets)} examples cannot be held out: {str(error).splitlines()[0]}",
            "give another fraction or more examples per class",
        ) from error
    return np.sort(kept), np.sort(held)
