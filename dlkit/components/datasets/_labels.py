"""Conversion of label arrays to class indices: columns, masks, text, floats and booleans."""

from collections.abc import Sequence

import numpy as np

from dlkit.errors import InputError
from dlkit.formatting import first_few
from dlkit.interfaces.data import VOID
from dlkit.media.arrays import check_numbers
from dlkit.safety.files import MAX_CLASSES

SHOWN = 5


def class_labels(targets: np.ndarray, names: Sequence[str], named: bool, where: str) -> np.ndarray:
    """Return class indices: int64 (n,) for one label per example, or uint8 (n, h, w) for masks.

    targets: (n,), (n, 1), (n, h, w) or (n, h, w, 1); integers, whole floats, booleans for two classes, or text that is
    in `names` if the classes are named. In masks, VOID is no class. where: the file and the array, for errors.
    """
    labels = _without_column(targets, len(names), where)
    if labels.dtype.kind in "US":
        return _indices_of_text(labels, names, named, where)
    check_numbers(labels, where)
    if labels.dtype.kind == "f":
        _check_whole(labels, where)
    classes = len(names)
    mask = labels.ndim == 3
    if mask and classes > VOID:
        raise InputError(f"{classes} classes are declared", f"a mask can represent at most {VOID}")
    valid = labels[labels != VOID] if mask else labels
    low, high = (valid.min(), valid.max()) if valid.size else (0, 0)
    if low < 0 or high >= classes:
        from_one = bool(low == 1 and high == classes)
        raise InputError(
            f"{where} contains {labels.dtype} labels from {low} to {high}",
            f"class indices must be integers from 0 to {classes - 1}" + "; subtract 1" * from_one,
        )
    indices: np.ndarray = labels.astype(np.uint8 if mask else np.int64)
    return indices


def found_names(targets: np.ndarray, where: str) -> tuple[str, ...]:
    """Return the names of the classes in labels: their texts in alphabetical order, or the numbers up to the largest.

    In masks, VOID is no class. where: the file and the array, for errors.
    """
    if targets.dtype.kind in "US":
        names = tuple(sorted(map(_word, np.unique(targets))))
    else:
        check_numbers(targets, where)
        if targets.dtype.kind == "f":
            _check_whole(targets, where)
        labels = targets[targets != VOID] if targets.ndim > 2 else targets
        largest = int(labels.max()) if labels.size else 0
        if largest >= MAX_CLASSES:
            raise InputError(
                f"{where} contains labels up to {largest:,}", f"at most {MAX_CLASSES:,} classes are allowed"
            )
        names = tuple(map(str, range(largest + 1)))
    if len(names) < 2:
        raise InputError(f"{where} contains only one class: {_first(names)}", "give examples of at least two classes")
    return names


def _word(label: bytes | str) -> str:
    return label.decode(errors="replace") if isinstance(label, bytes) else str(label)


def _without_column(targets: np.ndarray, classes: int, where: str) -> np.ndarray:
    """Return labels of shape (n,) or (n, h, w) from those with a last axis of length 1."""
    shape = targets.shape
    labels = targets[..., 0] if len(shape) in (2, 4) and shape[-1] == 1 else targets
    if labels.ndim in (1, 3):
        return labels
    hint = "give one class index per example, or a mask [height, width] of class indices"
    if labels.ndim == 2 and shape[1] == classes and labels.dtype.kind in "biuf":
        hint = "these look like one-hot rows: save numpy.argmax(y, axis=1)"
    raise InputError(f"{where} has the shape {list(shape)}, which is not one label per example", hint)


def _indices_of_text(labels: np.ndarray, names: Sequence[str], named: bool, where: str) -> np.ndarray:
    """Return the index of every label in the class names."""
    found, places = np.unique(labels, return_inverse=True)
    words = [_word(label) for label in found]
    unknown = [word for word in words if word not in names]
    if unknown and not named:
        raise InputError(
            f"{where} contains text: {_first(words)}", f"name the classes: class_names: [{', '.join(words[:SHOWN])}]"
        )
    if unknown:
        raise InputError(f"{where} has labels outside the classes: {_first(unknown)}", f"allowed: {', '.join(names)}")
    indices: np.ndarray = np.asarray([names.index(word) for word in words], np.int64)[places].reshape(labels.shape)
    return indices


def _first(words: Sequence[str]) -> str:
    return first_few([repr(word) for word in words], SHOWN)


def _check_whole(labels: np.ndarray, where: str) -> None:
    """Raise InputError at the first label that is not a whole number."""
    wrong = np.flatnonzero((labels != np.floor(labels)) | ~np.isfinite(labels))
    if len(wrong):
        value = labels.reshape(-1)[wrong[0]]
        row = int(wrong[0]) // (labels[0].size if labels.ndim > 1 else 1)
        raise InputError(
            f"{where}[{row}] contains {value}, which is not a class index",
            "remove examples without a label" if np.isnan(value) else "for values as targets, remove classes",
        )
