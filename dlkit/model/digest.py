"""Hash all values of a network with SHA-256, so that a run can record which weights it started from."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np


def weights_digest(variables: Iterable[Any]) -> str:
    """Return a hash of the dtypes, shapes and bytes of all variables, in order; names do not count."""
    digest = hashlib.sha256()
    for variable in variables:
        value = np.asarray(variable.numpy())
        digest.update(f"{value.dtype} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()
