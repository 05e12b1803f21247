"""Arrays and small facts that are worth keeping between runs: decoded once, memory-mapped ever after."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.errors import MissingError
from dlkit.files.atomic import folder_aside, publish, remove_abandoned, write_text
from dlkit.process import CACHE, path_from


def cache_directory() -> Path:
    """DLKIT_CACHE, or the user's cache folder."""
    if directory := path_from(CACHE):
        return directory
    from platformdirs import user_cache_path

    return user_cache_path("dlkit")


def digest(value: Any) -> str:
    """A short name for a JSON-like value: the first 32 hex digits of its SHA-256."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]


def cached_arrays(key: Any, write: Callable[[Path], None]) -> dict[str, np.ndarray]:
    """The .npy files that `write(folder)` made for `key`, memory-mapped; never half there."""
    folder = cache_directory() / "arrays" / digest(key)
    if not folder.exists():
        remove_abandoned(folder.parent)
        with folder_aside(folder.parent) as aside:
            write(aside)
            publish(aside, folder)  # another process may have been faster, which is as good
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}


def cached_json(kind: str, key: Any, compute: Callable[[], Any]) -> Any:
    """The JSON value computed for `key` before, or `compute()`; an unwritable or damaged cache only costs time."""
    path = cache_directory() / kind / f"{digest(key)}.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        value = compute()
    with suppress(MissingError):
        write_text(path, json.dumps(value))
    return value
