"""Read a request that is nothing but numbers of the expected shape, without making Python objects of them.

Such requests are most of a server's work, and lists of lists of numbers its slowest part. What is read here is read as
dlkit.serving.instances would; everything else is left to that, with its rules and messages.
"""

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import simdjson

from dlkit.serving.signature import Signature
from dlkit.serving.tensors import keeps

FORMS = ("instances", "inputs")
OF_NUMBERS = b"0123456789+-.eE \t\r\n"  # without these characters, a request's text is its nesting
SIMDJSON = {"f": "d", "i": "i", "u": "u"}
WIDE = {"d": np.float64, "i": np.int64, "u": np.uint64}


def plain_numbers(body: bytes, signature: Signature) -> tuple[str, dict[str, np.ndarray]] | None:
    """Return the form of a request (a key of FORMS) and its tensor; None when it has anything but one of numbers.

    body: JSON, not checked yet. Only for a signature with one input of numbers, all sizes of which are known.
    """
    if len(signature.inputs) != 1:
        return None
    ((name, spec),) = signature.inputs.items()
    wanted, sizes = np.dtype(spec.dtype if spec.dtype != "string" else object), spec.shape[1:]
    if wanted.kind not in SIMDJSON or not spec.shape or None in sizes or 0 in sizes:
        return None
    shape = tuple(size for size in sizes if size is not None)
    nesting = body.translate(None, OF_NUMBERS)
    for form in FORMS:
        rows = _rows(nesting, form, shape)
        values = _values(body, form, SIMDJSON[wanted.kind]) if rows else None
        if values is not None and values.size == rows * prod(shape) and keeps(values, wanted):
            return form, {name: values.astype(wanted, copy=False).reshape(rows, *shape)}
    return None


def _rows(nesting: bytes, form: str, shape: tuple[int, ...]) -> int:
    """Return how many rows of this shape the nested lists have, 0 when they are nested in another way."""
    start, row = _expected(form, shape)
    rows = (len(nesting) - len(start) - 1) // (len(row) + 1)
    return rows if rows > 0 and nesting == start + b",".join([row] * rows) + b"]}" else 0


@lru_cache(maxsize=32)
def _expected(form: str, shape: tuple[int, ...]) -> tuple[bytes, bytes]:
    """Return what a request's nesting begins with, and the nesting of one row."""
    row = b""
    for size in reversed(shape):
        row = b"[" + b",".join([row] * size) + b"]"
    return f'{{"{form}":['.encode().translate(None, OF_NUMBERS), row


def _values(body: bytes, form: str, kind: str) -> np.ndarray | None:
    """Return the numbers of one key in order, None when the body is not JSON or has other values there."""
    try:
        document: Any = simdjson.Parser().parse(body)
        return np.frombuffer(document[form].as_buffer(of_type=kind), WIDE[kind])
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError):
        return None
