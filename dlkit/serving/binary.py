"""The binary tensors of the Open Inference Protocol: raw little-endian values after the JSON of a request or answer."""

from collections.abc import Iterable

import numpy as np

from dlkit.serving.status import invalid

LENGTH = b"inference-header-content-length"


def split(body: bytes, header: bytes) -> tuple[bytes, memoryview]:
    """Return the JSON and the binary part of a body; header: the length of the JSON in bytes, empty for all of it."""
    if not header:
        return body, memoryview(b"")
    if not header.isdigit() or int(header) > len(body):
        raise invalid(
            f"Inference-Header-Content-Length is {header.decode('latin-1')}, but the body has {len(body)} bytes"
        )
    return body[: int(header)], memoryview(body)[int(header) :]


def decoded(name: str, raw: memoryview, dtype: str, shape: Iterable[int]) -> np.ndarray:
    """Return a tensor from its bytes; strings are each preceded by their length, 4 bytes."""
    values = _strings(name, raw) if dtype == "string" else _numbers(name, raw, dtype)
    try:
        return values.reshape(tuple(shape))
    except ValueError as error:
        raise invalid(f"input '{name}' has {values.size} values, but its shape is {list(shape)}") from error


def _numbers(name: str, raw: memoryview, dtype: str) -> np.ndarray:
    wanted = np.dtype(dtype).newbyteorder("<")
    if len(raw) % wanted.itemsize:
        raise invalid(f"input '{name}' has {len(raw)} bytes, which are not whole values of {wanted.itemsize} bytes")
    return np.frombuffer(raw, wanted).astype(dtype, copy=False)


def _strings(name: str, raw: memoryview) -> np.ndarray:
    found, at = [], 0
    while at < len(raw):
        end = at + 4 + int.from_bytes(raw[at : at + 4], "little")
        if at + 4 > len(raw) or end > len(raw):
            raise invalid(f"input '{name}' ends in the middle of a string")
        found.append(bytes(raw[at + 4 : end]))
        at = end
    array = np.empty(len(found), object)
    array[:] = found
    return array


def encoded(array: np.ndarray) -> bytes:
    """Return the bytes of a tensor."""
    if array.dtype.kind != "O":
        return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return b"".join(len(value).to_bytes(4, "little") + value for value in array.ravel())
