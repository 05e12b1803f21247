"""What every dataset offers: a description without loading, and splits with a length and read(indices)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from dlkit.errors import InputError

VOID = 255
"""The label of mask pixels that belong to no class; no loss and no metric counts them."""


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


@dataclass(frozen=True)
class Split:
    """Examples with random access: inputs (n, ...) and raw targets (n, ...), in memory or memory-mapped."""

    inputs: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The examples at `indices`, as (inputs, targets)."""
        return self.inputs[indices], self.targets[indices]

    def select(self, indices: np.ndarray) -> "Split":
        """A split of the examples at `indices`, sorted so that memory-mapped files are read in order."""
        return Split(*self.read(np.sort(indices)))


class Resizer(Protocol):
    """Gives images one size; `key` names its settings for caches."""

    key: str

    def __call__(self, images: Any) -> Any:
        """Resized images (..., height, width, channels) in uint8."""

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
