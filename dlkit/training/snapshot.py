"""Store the whole state of a training in one file, written atomically with a checksum; keep the last two files.

A snapshot is an .npz of plain arrays (never pickles) with one JSON text among them, and its SHA-256 at the end.
"""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from dlkit.catalog.kinds import WRITES
from dlkit.files.atomic import write_file
from dlkit.safety.arrays import check_arrays
from dlkit.safety.files import UnreadableError, require_file

FOLDER = "snapshots"
KEPT = 2
_DIGEST_BYTES = 32
_BEST = "best"
# Attributes of callbacks that belong to the process or to the place of the run, which may have moved.
_NOT_STATE = {"_model", "params", "validation_data", *WRITES.values(), "_log_write_dir", "append", "append_header"}


@dataclass
class Progress:
    """The progress of a training.

    step: updates done. history: rows of the epochs done. best, best_weights: the monitored value and the weights of the
    best epoch. stopped: a callback has ended the phase. phase: counted from 0. phase_start: updates done before it.
    first_step: the first update's loss and a digest of the weights after it, which show where two runs diverge.
    """

    step: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: float | None = None
    best_weights: list[np.ndarray] = field(default_factory=list)
    stopped: bool = False
    phase: int = 0
    phase_start: int = 0
    first_step: dict[str, Any] = field(default_factory=dict)


@dataclass
class Snapshot:
    """Everything that the next step depends on.

    variables: arrays by group (network, optimizer, metrics). callbacks: plain data and arrays, one per callback.
    """

    progress: Progress
    variables: dict[str, list[np.ndarray]]
    callbacks: list[dict[str, Any]] = field(default_factory=list)


def write_snapshot(run: Path, snapshot: Snapshot) -> None:
    """Write the snapshot and remove all but the last two."""
    content = snapshot_content(snapshot)
    path = run / FOLDER / f"{snapshot.progress.step:012d}.npz"

    def write(aside: Path) -> None:
        with aside.open("wb") as file:
            file.write(content)
            file.write(hashlib.sha256(content).digest())

    write_file(path, write)
    for old in sorted((run / FOLDER).glob("*.npz"))[:-KEPT]:
        old.unlink(missing_ok=True)


def snapshot_content(snapshot: Snapshot) -> memoryview:
    """Return the snapshot as the bytes of an .npz file, which parse_snapshot() reads."""
    arrays: dict[str, np.ndarray] = {}
    plain = dict(vars(snapshot.progress))
    variables = snapshot.variables | {_BEST: plain.pop("best_weights")}
    state = plain | {
        "groups": {group: [_keep(arrays, value) for value in values] for group, values in variables.items()},
        "callbacks": [_encode(state, arrays) for state in snapshot.callbacks],
    }
    arrays["state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getbuffer()


def read_snapshot(run: Path) -> Snapshot | None:
    """Return the newest undamaged snapshot, or None if there is none."""
    for path in sorted((run / FOLDER).glob("*.npz"), reverse=True):
        require_file(path)
        content = path.read_bytes()
        body, stored = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
        if hashlib.sha256(body).digest() == stored and (found := _parsed(path, body)) is not None:
            return found
    return None


def has_snapshot(run: Path) -> bool:
    """Return whether a run has an undamaged snapshot."""
    return read_snapshot(run) is not None


def _parsed(path: Path, body: bytes) -> Snapshot | None:
    """Return the snapshot in a file's content, or None if the content is not one; InputError when it is unsafe."""
    try:
        check_arrays(path)
        return parse_snapshot(body)
    except UnreadableError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, RecursionError, BadZipFile):
        return None


def parse_snapshot(body: bytes) -> Snapshot:
    """Return the snapshot in the bytes that snapshot_content() returned."""
    with np.load(io.BytesIO(body), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    state = json.loads(arrays["state"].tobytes())
    variables = {group: [arrays[name] for name in names] for group, names in state.pop("groups").items()}
    callbacks = [_decode(value, arrays) for value in state.pop("callbacks")]
    return Snapshot(Progress(**state, best_weights=variables.pop(_BEST)), variables, callbacks)


def _keep(arrays: dict[str, np.ndarray], value: Any) -> str:
    name = f"array{len(arrays)}"
    arrays[name] = np.asarray(value)
    return name


def _encode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Encode plain data for JSON; arrays, tuples and dictionaries become one-key mappings that name their kind."""
    if isinstance(value, np.ndarray):
        return {"*array": _keep(arrays, value)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return {"*tuple": [_encode(item, arrays) for item in value]}
    if isinstance(value, list):
        return [_encode(item, arrays) for item in value]
    if isinstance(value, dict):
        return {"*dict": [[key, _encode(item, arrays)] for key, item in value.items()]}
    return value


def _decode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_decode(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "*array":
        return arrays[content]
    if kind == "*tuple":
        return tuple(_decode(item, arrays) for item in content)
    return {key: _decode(item, arrays) for key, item in content}


def callback_state(callback: Any) -> dict[str, Any]:
    """Return the plain attributes of a callback: numbers, strings, arrays and containers of them."""
    return {name: value for name, value in _plain_items(callback) if name not in _NOT_STATE}


def restore_callback(callback: Any, state: dict[str, Any]) -> None:
    """Restore the attributes that callback_state() returned into a new callback.

    Texts keep the values that the recipe gives them: a path in someone else's snapshot could lead out of the run. At
    its first use EarlyStopping sets its comparison function, which is code and so not stored, and may flip the sign
    of min_delta. Where the stored sign is flipped, the comparison must be set first.
    """
    if hasattr(callback, "_set_monitor_op") and state.get("min_delta") != callback.min_delta:
        callback._set_monitor_op()
    texts = {name for name, value in vars(callback).items() if isinstance(value, str)}
    vars(callback).update(
        {name: value for name, value in state.items() if name not in texts | _NOT_STATE and not isinstance(value, str)}
    )


def _plain_items(callback: Any) -> Iterator[tuple[str, Any]]:
    for name, value in vars(callback).items():
        if _is_plain(value):
            yield name, value


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str | int) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str | np.ndarray | np.generic)
