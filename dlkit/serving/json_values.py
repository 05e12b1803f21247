"""Read JSON: the object of a request, single values for tensors, and how messages show values.

The rules and messages are those of TensorFlow Serving's json_tensor.cc. Two are stricter: NaN and infinity are refused,
and so are integers outside the range of their dtype, which TensorFlow Serving would wrap.
"""

import base64
import binascii
from typing import Any

import numpy as np
import orjson

from dlkit.serving.signature import DTYPES
from dlkit.serving.status import Refused, invalid

SHOWN = 200  # characters of a value in a message


def parse(body: bytes) -> dict[str, Any]:
    """Return the object that a request's body contains."""
    if not body:
        raise invalid("JSON Parse error: The document is empty.")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: Invalid value. at offset: {error.pos} ({error.msg})") from error
    if not isinstance(found, dict):
        raise invalid(f"JSON Value: {shown(found)} Is not object")
    return found


def scalar(value: Any, dtype: str) -> Any:
    """Return one JSON value for a tensor of this dtype; raise Refused if it has another type or would lose digits."""
    if dtype == "string":
        return _string(value)
    kind = np.dtype(dtype).kind
    wanted = bool if kind == "b" else int if kind in "iu" else (int, float)
    if not isinstance(value, wanted) or (kind != "b" and isinstance(value, bool)):
        raise _wrong_type(value, dtype)
    if kind in "iu" and not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
        raise _lossy(value, dtype)
    if kind == "f" and not _is_lossless(value, np.dtype(dtype)):
        raise _lossy(value, dtype)
    return value


def _is_lossless(value: float, dtype: np.dtype) -> bool:
    bound = largest_whole(dtype) if isinstance(value, int) else float(np.finfo(dtype).max)
    return abs(value) <= bound


def largest_whole(dtype: np.dtype) -> int:
    """Return the largest integer of which TensorFlow Serving says that a float dtype represents it."""
    return (1 << (np.finfo(dtype).nmant + 1)) - 1


def _string(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, dict):
        raise _wrong_type(value, "string")
    if not is_base64(value):
        raise invalid(f"JSON Value: {shown(value)} not formatted correctly for base64 data")
    return decode_base64(value["b64"])


def decode_base64(text: str) -> bytes:
    """Return the bytes of a base64 text, with or without padding."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def is_base64(value: Any) -> bool:
    """Return whether a value is the JSON form of bytes: {"b64": text}."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _wrong_type(value: Any, dtype: str) -> Refused:
    return invalid(f"JSON Value: {shown(value)} Type: {json_type(value)} is not of expected type: {DTYPES[dtype].text}")


def _lossy(value: Any, dtype: str) -> Refused:
    return invalid(f"Cannot convert JSON value: {shown(value)} to {DTYPES[dtype].text} without loss of precision.")


def json_type(value: Any) -> str:
    """Return the name of a JSON value's type in messages."""
    if value is None or isinstance(value, bool):
        return {None: "Null", True: "True", False: "False"}[value]
    names: dict[type, str] = {str: "String", list: "Array", dict: "Object"}
    return names.get(type(value), "Number")


def shown(value: Any) -> str:
    """Return a JSON value for a message, cut if it is long."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # nested more deeply than orjson writes
        text = "[" * (SHOWN + 1)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
