"""Cache arrays and small JSON values between runs; arrays are computed once and then memory-mapped."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.errors import MissingError
from dlkit.files.atomic import disk_errors, folder_aside, publish, remove_abandoned, write_text
from dlkit.process import CACHE, path_from


def cache_directory() -> Path:
    """Return DLKIT_CACHE if it is set, otherwise the user's cache folder."""
    if directory := path_from(CACHE):
        return directory
    from platformdirs import user_cache_path

    return user_cache_path("dlkit")


def digest(value: Any) -> str:
    """Return a short key for a JSON-like value: the first 32 hex digits of its SHA-256."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]


def cached_arrays(key: Any, write: Callable[[Path], None]) -> dict[str, np.ndarray]:
    """Return the .npy files that `write(folder)` created for `key`, memory-mapped and always complete.

    Damaged files are recreated.
    """
    folder = cache_directory() / "arrays" / digest(key)
    found = _mapped(folder)
    if not found:
        shutil.rmtree(folder, ignore_errors=True)
        remove_abandoned(folder.parent)
        with folder_aside(folder.parent) as aside:
            write(aside)
            publish(aside, folder)  # if another process was faster, its result is used
        found = _mapped(folder)
    if not found:
        raise MissingError(f"cannot read the cache {folder}", "remove it, or set DLKIT_CACHE to another folder")
    return found


def new_array(path: Path, dtype: Any, shape: tuple[int, ...]) -> np.memmap:
    """Create a memory-mapped .npy with all bytes allocated; raise MissingError when the disk is full.

    With a sparse file, the first write to a page on a full disk would end the process with SIGBUS.
    """
    array = np.lib.format.open_memmap(path, "w+", dtype, shape)
    with disk_errors(path), path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def _mapped(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a folder, empty if it is missing or damaged."""
    try:
        return {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}
    except (OSError, ValueError, EOFError):
        return {}


def cached_json(kind: str, key: Any, compute: Callable[[], Any]) -> Any:
    """Return the cached JSON value for `key`, or `compute()`; an unwritable or damaged cache only costs time."""
    path = cache_directory() / kind / f"{digest(key)}.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        value = compute()
    with suppress(MissingError):
        write_text(path, json.dumps(value))
    return value
