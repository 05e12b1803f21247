"""Check NumPy files by their headers, before any array is allocated and without reading a pickle."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from dlkit.safety.files import (
    MAX_MEMBERS,
    MAX_VALUES,
    UnreadableError,
    first_line,
    open_zip,
    refuse,
    require_file,
    zip_problems,
)


@dataclass(frozen=True)
class ArrayHeader:
    """The contents of an .npy header; `pickled` is true if reading the values would run code."""

    shape: tuple[int, ...]
    dtype: str
    size: int
    pickled: bool


def array_header(stream: IO[bytes], held: int) -> tuple[ArrayHeader, list[str]]:
    """Return the header of an .npy stream with `held` bytes in total, and its problems."""
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
        size = prod(shape) * dtype.itemsize
    except Exception as error:  # NumPy parses the header as a Python literal, which can raise many kinds of errors
        raise UnreadableError(f"unreadable array header: {first_line(error)}") from error
    return ArrayHeader(shape, str(dtype), size, dtype.hasobject), _header_problems(shape, dtype, held - stream.tell())


def _header_problems(shape: tuple[int, ...], dtype: np.dtype, held: int) -> list[str]:
    size = prod(shape) * dtype.itemsize
    if dtype.hasobject:
        return ["it contains Python objects, which can only be loaded with pickle"]
    if any(length < 0 for length in shape):
        return [f"it declares the invalid shape {list(shape)}"]
    if prod(shape) > MAX_VALUES:
        return [f"it declares {prod(shape):.3g} values, but at most {MAX_VALUES:.0e} are allowed"]
    return [f"it declares {size:,} bytes but contains {held:,}"] * (size > held)


def array_headers(path: Path) -> tuple[dict[str, ArrayHeader], list[str]]:
    """Return the headers of an .npy file or of all members of an .npz, and their problems."""
    require_file(path)
    if path.suffix != ".npz":
        with path.open("rb") as stream:
            header, problems = _named(path.name, stream, path.stat().st_size)
        return {path.name: header}, problems
    problems = zip_problems(path)
    headers = {}
    with open_zip(path) as archive:
        for member in archive.infolist()[:MAX_MEMBERS]:
            with archive.open(member) as stream:
                headers[member.filename.removesuffix(".npy")], found = _named(member.filename, stream, member.file_size)
            problems += found
    return headers, problems


def _named(name: str, stream: IO[bytes], held: int) -> tuple[ArrayHeader, list[str]]:
    try:
        header, problems = array_header(stream, held)
    except UnreadableError as error:
        raise UnreadableError(f"{name}: {error}", "the file is damaged, or does not contain arrays") from error
    return header, [f"{name}: {problem}" for problem in problems]


def check_arrays(path: Path) -> None:
    """Raise InputError if headers of an .npy or .npz declare objects, or more data than the file or limits allow."""
    refuse(path, array_headers(path)[1])
