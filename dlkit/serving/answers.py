"""Write tensors as the JSON of TensorFlow Serving's answers."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from dlkit.serving.signature import DTYPES
from dlkit.serving.status import Code, Refused, invalid

BYTES_SUFFIX = "_bytes"  # of the names of string tensors that are not text


def dumped(value: Any) -> bytes:
    """Return a value as JSON; arrays stay arrays, and floats have the digits that their dtype needs."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def error_body(message: str) -> bytes:
    """Return the body of an answer that is an error, in both protocols."""
    return dumped({"error": message})


def predictions(outputs: Mapping[str, np.ndarray]) -> bytes:
    """Return the answer to `instances`: one entry per row; a single output has no name."""
    ready = _ready(outputs)
    if len(ready) == 1:
        return dumped({"predictions": next(iter(ready.values()))})
    sizes = {name: outputs[name].shape[0] for name in ready}
    first, size = next(iter(sizes.items()))
    for name, other in sizes.items():
        if other != size:
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {other} expecting: {size} as {first}")
    return dumped({"predictions": [dict(zip(ready, row, strict=True)) for row in zip(*ready.values(), strict=True)]})


def columns(outputs: Mapping[str, np.ndarray]) -> bytes:
    """Return the answer to `inputs`: whole tensors; a single output has no name."""
    ready = _ready(outputs)
    return dumped({"outputs": next(iter(ready.values())) if len(ready) == 1 else ready})


def _ready(outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    return {name: json_ready(name, outputs[name]) for name in sorted(outputs)}


def json_ready(name: str, array: np.ndarray) -> Any:
    """Return a tensor in a form that orjson writes; raise Refused for what JSON cannot represent."""
    if array.ndim == 0:
        raise invalid(f"Tensor name: {name} has no shape information ")
    if array.dtype.kind in "OSU":
        return _texts(name, array)
    if array.dtype.name not in DTYPES:
        raise invalid(f"Failed to write JSON value for tensor type: {array.dtype.name}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise invalid(f"Tensor name: {name} contains NaN or infinity, which JSON cannot represent")
    return np.ascontiguousarray(array)


def _texts(name: str, array: np.ndarray) -> Any:
    write = AS_BASE64 if name.endswith(BYTES_SUFFIX) else AS_TEXT
    try:
        return write(array).tolist()
    except UnicodeDecodeError as error:
        message = f"Tensor name: {name} contains bytes that are not UTF-8; its name must end in {BYTES_SUFFIX}"
        raise Refused(Code.INTERNAL, message) from error


def _as_text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _as_base64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}


AS_TEXT, AS_BASE64 = np.frompyfunc(_as_text, 1, 1), np.frompyfunc(_as_base64, 1, 1)
