"""One SHA-256 for all values of a network, so that a run says which weights it began with."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np


def weights_digest(variables: Iterable[Any]) -> str:
    """Hash of dtype, shape and bytes of all variables, in order; names do not count."""
    digest = hashlib.sha256()
    for variable in variables:
        value = np.asarray(variable.numpy())
        digest.update(f"{value.dtype} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()
