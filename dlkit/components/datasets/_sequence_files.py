"""Sequences of different lengths from .npz files: arrays x, lengths and y."""

from pathlib import Path

import numpy as np

from dlkit.components.datasets._labels import class_labels
from dlkit.errors import InputError
from dlkit.interfaces.data import Split
from dlkit.interfaces.ragged import Ragged
from dlkit.media.arrays import check_numbers, native, read_npz, read_sequences
from dlkit.safety.files import missing_file


def sequence_split(path: Path, names: tuple[str, ...], dtype: str | None = None) -> Split:
    """Return the sequences of a file, with class indices or, without names of classes, values (n, ...) as targets.

    dtype: that of the train split, None for train itself. Raises InputError for 0 as an index, which is padding.
    """
    if not path.exists():
        raise missing_file(path, "give another path in data.source.sequences")
    if path.suffix != ".npz":
        raise InputError(
            f"{path} is not an .npz file", "save it with numpy.savez(path, x=sequences, lengths=lengths, y=targets)"
        )
    sequences, (y,) = read_sequences(path, dtype, "x"), read_npz(path, ["y"])
    if len(y) != len(sequences):
        raise InputError(f"{path}: {len(sequences)} sequences and {len(y)} targets", "give one target per sequence")
    if sequences.dtype.kind in "iu" and (sequences.flat() == 0).any():
        raise InputError(
            f"{path}: x contains the index 0, which stands for padding",
            "count indices from 1; numbers that are no indices are saved as floats",
        )
    return Split(sequences, _targets(y, names, f"{path}: y"))


def _targets(y: np.ndarray, names: tuple[str, ...], where: str) -> np.ndarray:
    if names:
        return class_labels(y, names, True, where)
    check_numbers(y, where)
    return native(y if y.ndim > 1 else y.reshape(-1, 1))


def same_features(train: Ragged, other: Ragged, path: str) -> None:
    """Raise InputError when the steps of a split have another shape than those of train."""
    if train.shape[2:] != other.shape[2:]:
        raise InputError(
            f"{path}: a step has the shape {list(other.shape[2:])}, but that of train is {list(train.shape[2:])}",
            "prepare all splits in the same way",
        )
