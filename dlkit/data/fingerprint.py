"""Compute fingerprints of splits, so that a run records which data it used."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit.errors import CheckError
from dlkit.interfaces.data import Split, forget_pages
from dlkit.interfaces.ragged import Ragged
from dlkit.runs.directory import RunDirectory

_CHUNK_BYTES = 1 << 24


def fingerprint(split: Split) -> dict[str, Any]:
    """Return the number of examples of a split and the SHA-256 of its inputs and raw targets, in order."""
    return {"examples": len(split), "inputs": _sha256(split.inputs), "targets": _sha256(split.targets)}


def describe_change(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return a description of the differences between two fingerprints."""
    changed = [key for key in now if then.get(key) != now[key]]
    return f"{', '.join(changed)} changed ({then.get('examples')} examples then, {now['examples']} now)"


def record_fingerprint(run: RunDirectory, name: str, split: Split) -> None:
    """Write a split's fingerprint to the run; raise CheckError if the run has another fingerprint for this name."""
    found = fingerprint(split)
    content = run.read_json("data.json")
    known = content.setdefault("fingerprints", {})
    if known.get(name) == found:
        return
    if name in known:
        raise CheckError(
            f"the {name} data differs from the data of {run.path}: {describe_change(known[name], found)}",
            "restore the original data, or train a new run",
        )
    known[name] = found
    run.write_json("data.json", content)


def _sha256(array: "np.ndarray | Ragged") -> str:
    """Return a hash of dtype, shape and bytes, computed in chunks of rows so that memory-mapped data stays on disk."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    if isinstance(array, Ragged):
        digest.update(array.lengths.data)
    row_bytes = max(1, array.nbytes // max(1, len(array)))
    rows = max(1, _CHUNK_BYTES // row_bytes)
    for start in range(0, len(array), rows):
        part = slice(start, start + rows)
        digest.update(np.ascontiguousarray(array.flat(part) if isinstance(array, Ragged) else array[part]).data)
        forget_pages(array)
    return digest.hexdigest()
