"""Read arrays of numbers from NumPy files and convert them without changing values, for training and predict."""

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from dlkit.errors import InputError
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
