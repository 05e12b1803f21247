"""Signatures: the named inputs and outputs of a model, with their dtypes as NumPy and both protocols name them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

DEFAULT = "serving_default"
PREDICT, CLASSIFY, REGRESS = (f"tensorflow/serving/{method}" for method in ("predict", "classify", "regress"))


class Names(NamedTuple):
    """The names of a dtype: in TensorFlow's messages, its metadata, and the Open Inference Protocol."""

    text: str
    proto: str
    v2: str


DTYPES = {
    "float16": Names("half", "DT_HALF", "FP16"),
    "float32": Names("float", "DT_FLOAT", "FP32"),
    "float64": Names("double", "DT_DOUBLE", "FP64"),
    "int8": Names("int8", "DT_INT8", "INT8"),
    "int16": Names("int16", "DT_INT16", "INT16"),
    "int32": Names("int32", "DT_INT32", "INT32"),
    "int64": Names("int64", "DT_INT64", "INT64"),
    "uint8": Names("uint8", "DT_UINT8", "UINT8"),
    "uint16": Names("uint16", "DT_UINT16", "UINT16"),
    "uint32": Names("uint32", "DT_UINT32", "UINT32"),
    "uint64": Names("uint64", "DT_UINT64", "UINT64"),
    "bool": Names("bool", "DT_BOOL", "BOOL"),
    "string": Names("string", "DT_STRING", "BYTES"),
}
"""By NumPy's name; a tensor of strings is an array of Python bytes, dtype object."""


@dataclass(frozen=True)
class TensorSpec:
    """The dtype (a key of DTYPES) and shape of a tensor; None stands for any size, the first entry is the batch."""

    dtype: str
    shape: tuple[int | None, ...]

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Return whether an array of this shape is allowed."""
        return len(shape) == len(self.shape) and all(
            wanted in (None, size) for wanted, size in zip(self.shape[1:], shape[1:], strict=True)
        )

    def __str__(self) -> str:
        sizes = ",".join("?" if size is None else str(size) for size in (None, *self.shape[1:]))
        return f"{DTYPES[self.dtype].text} [{sizes}]"


@dataclass(frozen=True)
class Signature:
    """One endpoint of a model; method: what the protocol calls it (PREDICT, CLASSIFY or REGRESS)."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec] = field(default_factory=dict)
    method: str = PREDICT
