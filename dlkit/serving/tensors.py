"""Turn nested JSON lists into arrays: by NumPy where it loses nothing, else value by value to find what is wrong."""

from typing import Any

import numpy as np

from dlkit.serving.json_values import largest_whole, scalar, shown
from dlkit.serving.signature import TensorSpec
from dlkit.serving.status import invalid

KINDS = {"f": "iuf", "i": "iu", "u": "iu", "b": ""}  # NumPy takes true for 1: only a walk tells them apart
MAX_RANK = 32


def array_of(value: Any, spec: TensorSpec, literal: bool) -> np.ndarray:
    """Return a nested JSON list as an array; raise Refused with the place of the first wrong value."""
    fast = None if literal else converted(value, spec)
    return walked(value, spec) if fast is None else fast


def converted(value: Any, spec: TensorSpec) -> np.ndarray | None:
    """Return a list that NumPy converts without loss, or None when a closer look is needed."""
    if spec.dtype == "string":
        return None
    wanted = np.dtype(spec.dtype)
    try:
        array = np.array(value)
    except ValueError:
        return None
    if array.dtype.kind not in KINDS[wanted.kind] or not keeps(array, wanted):
        return None
    return array.astype(wanted, copy=False)


def keeps(array: np.ndarray, wanted: np.dtype) -> bool:
    """Return whether every number is representable; mixed lists may hide integers, so floats have the same bound."""
    if not array.size:
        return True
    lowest, highest = array.min(), array.max()
    if wanted.kind != "f":
        bounds = np.iinfo(wanted)
        return bool(bounds.min <= lowest and highest <= bounds.max)
    bound = largest_whole(wanted)
    return bool(-bound <= lowest and highest <= bound)  # false for NaN


def walked(value: Any, spec: TensorSpec) -> np.ndarray:
    """Return a nested list as an array by looking at every value; raise Refused for the first wrong one."""
    shape: list[int] = []
    first = value
    while isinstance(first, list):
        shape.append(len(first))
        if len(shape) > MAX_RANK:
            raise invalid(f"JSON Value: {shown(value)} is nested in more than {MAX_RANK} lists")
        first = first[0] if first else None
    found: list[Any] = []
    _collect(value, 0, shape, spec.dtype, found)
    array = np.empty(len(found), object if spec.dtype == "string" else spec.dtype)
    array[:] = found
    return array.reshape(shape)


def _collect(value: Any, level: int, shape: list[int], dtype: str, found: list[Any]) -> None:
    rank = len(shape)
    if not isinstance(value, list):
        if level != rank:
            raise invalid(
                f"JSON Value: {shown(value)} found at incorrect level: {level + 1} in the JSON DOM. Expected at level: "
                f"{rank}"
            )
        found.append(scalar(value, dtype))
        return
    if level >= rank:
        raise invalid(f"Encountered list at unexpected level: {level} expected < {rank}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for inner in value:
        _collect(inner, level + 1, shape, dtype, found)
