"""Fingerprints of splits, so that a run says which data it saw."""

import hashlib
from typing import Any

import numpy as np

from dlkit.datasets._dataset import Split

_CHUNK_BYTES = 1 << 24


def fingerprint(split: Split) -> dict[str, Any]:
    """Number of examples and SHA-256 of the inputs and raw targets of a split, in order."""
    return {"examples": len(split), "inputs": _sha256(split.inputs), "targets": _sha256(split.targets)}


def _sha256(array: np.ndarray) -> str:
    """Hash dtype, shape and bytes, a chunk of rows at a time so that memory-mapped data stays on disk."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    row_bytes = max(1, array[:1].nbytes)
    rows = max(1, _CHUNK_BYTES // row_bytes)
    for start in range(0, len(array), rows):
        digest.update(np.ascontiguousarray(array[start : start + rows]).data)
    return digest.hexdigest()
