"""Read arrays of numbers from NumPy files and convert them without changing values, for training and predict."""

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from dlkit.errors import InputError
from dlkit.interfaces.ragged import Ragged
from dlkit.safety.arrays import check_arrays
from dlkit.safety.files import UnreadableError

_WORDS = {"U": "text", "S": "text", "c": "complex numbers", "M": "dates", "m": "durations", "V": "structured records"}
_BITS = 64


def read_npy(path: Path) -> np.ndarray:
    """Return the array of an .npy file, memory-mapped; raise InputError when it is unreadable."""
    try:
        check_arrays(path)
        return np.asanyarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (UnreadableError, ValueError, OSError) as error:
        raise InputError(f"{path} is not a readable .npy file: {error}", "save it with numpy.save(path, x)") from error


def read_npz(path: Path, names: Sequence[str]) -> list[np.ndarray]:
    """Return arrays of an .npz file by name; raise InputError when it is unreadable or lacks one."""
    saving = f"save it with numpy.savez(path, {', '.join(f'{name}=...' for name in names)})"
    try:
        check_arrays(path)
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in names if name not in archive.files]
            if missing:
                found = ", ".join(archive.files) or "nothing"
                raise InputError(f"{path} has no array {' and no array '.join(missing)}", f"it has: {found}; {saving}")
            return [archive[name] for name in names]
    except (UnreadableError, ValueError, OSError, BadZipFile, AttributeError, TypeError) as error:
        raise InputError(f"{path} is not a readable .npz file: {error}", saving) from error


def read_sequences(path: Path, dtype: str | None, name: str) -> Ragged:
    """Return the sequences in array `name` (n, steps, ...) of an .npz or .npy file, cut to their lengths.

    The array `lengths` (n,) of an .npz file says how many steps of each are real; without it, all are. dtype: that of
    the model, None for the file's own; integers with several values per step become floats, as only they can be padded.
    """
    arrays = [read_npy(path)] if path.suffix == ".npy" else _with_lengths(path, name)
    values = arrays[0]
    check_numbers(values, f"{path}: {name}")
    if values.ndim < 2:
        raise InputError(f"{path}: {name} has the shape {list(values.shape)}", "sequences are [n, steps, ...]")
    count, steps = values.shape[:2]
    lengths = _checked_lengths(arrays[1], count, steps, str(path)) if arrays[1:] else np.full(count, steps)
    wanted = dtype or (str(values.dtype) if values.ndim == 2 or values.dtype.kind == "f" else "float32")
    flat = converted(values, wanted, f"{path}: {name}").reshape(count * steps, *values.shape[2:])
    return Ragged(flat, np.arange(count) * steps, lengths)


def _with_lengths(path: Path, name: str) -> list[np.ndarray]:
    check_arrays(path)
    with np.load(path, allow_pickle=False) as archive:
        names = [name, "lengths"] if "lengths" in archive.files else [name]
    return read_npz(path, names)


def _checked_lengths(lengths: np.ndarray, count: int, steps: int, path: str) -> np.ndarray:
    """Raise InputError unless there is a whole number from 1 to the padded length for each sequence."""
    if lengths.shape != (count,) or lengths.dtype.kind not in "iu":
        raise InputError(
            f"{path}: lengths is {lengths.dtype} of shape {list(lengths.shape)}",
            f"give {count} whole numbers, one each",
        )
    for row in np.flatnonzero((lengths < 1) | (lengths > steps)):
        raise InputError(f"{path}: length {row} is {lengths[row]}", f"a sequence has from 1 to {steps} steps")
    return lengths.astype(np.int64)


def check_axis(array: np.ndarray, name: str) -> None:
    """Raise InputError unless an array is (n, ...) with at least one value; `name` is its file and its own name."""
    if array.ndim == 0:
        raise InputError(f"{name} is a single value instead of an array", "its first axis counts the examples")
    if array.size == 0:
        raise InputError(
            f"{name} has the shape {list(array.shape)}, which contains no values",
            "give at least one example with at least one value",
        )


def check_numbers(array: np.ndarray, name: str) -> None:
    """Raise InputError unless an array is (n, ...), not empty, of booleans, integers or floats up to 64 bits."""
    check_axis(array, name)
    kind, bits = array.dtype.kind, 8 * array.dtype.itemsize
    if kind in _WORDS:
        raise InputError(f"{name} contains {_WORDS[kind]} ({array.dtype})", "convert it to numbers first")
    if bits > _BITS:
        raise InputError(f"{name} contains floats of {bits} bits ({array.dtype})", 'save it with astype("float64")')


def native(array: np.ndarray) -> np.ndarray:
    """Return an array in this machine's byte order, unchanged if it is already."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def converted(array: np.ndarray, dtype: str, name: str) -> np.ndarray:
    """Return an array in another dtype with all its values kept (floats are rounded); otherwise raise InputError.

    Booleans and numbers are never converted into each other, nor floats into integers.
    """
    if array.dtype == dtype:
        return native(array)
    wanted = np.dtype(dtype)
    if "b" in (array.dtype.kind, wanted.kind) or (array.dtype.kind == "f" and wanted.kind != "f"):
        raise InputError(f"{name} is {array.dtype}, but the model takes {dtype}", _ADVICE)
    with np.errstate(over="ignore", invalid="ignore"):
        changed = array.astype(wanted)
        kept = np.isfinite(changed) | ~np.isfinite(array) if wanted.kind == "f" else changed == array
    if not kept.all():
        raise InputError(
            f"{name} is {array.dtype} with values from {array.min()} to {array.max()}, but the model takes {dtype}, "
            f"from {_limits(wanted)}",
            _ADVICE,
        )
    return changed


_ADVICE = "scale and convert the values as those of the training data were"


def _limits(dtype: np.dtype) -> str:
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return f"{limits.min} to {limits.max}"
