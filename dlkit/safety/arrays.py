"""Checks of NumPy files by their headers, before any array is allocated and without a pickle being read."""

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
    """What the header of one .npy array declares; `pickled` when its values can only be read by running code."""

    shape: tuple[int, ...]
    dtype: str
    size: int
    pickled: bool


def array_header(stream: IO[bytes], held: int) -> tuple[ArrayHeader, list[str]]:
    """The header of an .npy stream of `held` bytes in all, and what is wrong with it."""
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
        size = prod(shape) * dtype.itemsize
    except Exception as error:  # numpy parses the header as Python text, which fails in every way a text can
        raise UnreadableError(f"no readable array header: {first_line(error)}") from error
    return ArrayHeader(shape, str(dtype), size, dtype.hasobject), _header_problems(shape, dtype, held - stream.tell())


def _header_problems(shape: tuple[int, ...], dtype: np.dtype, held: int) -> list[str]:
    size = prod(shape) * dtype.itemsize
    if dtype.hasobject:
        return ["it holds Python objects, which only a pickle can bring back"]
    if any(length < 0 for length in shape):
        return [f"it declares the shape {list(shape)}"]
    if prod(shape) > MAX_VALUES:
        return [f"it declares {prod(shape):.3g} values, at most {MAX_VALUES:.0e} are allowed"]
    return [f"it declares {size:,} bytes and holds {held:,}"] * (size > held)


def array_headers(path: Path) -> tuple[dict[str, ArrayHeader], list[str]]:
    """The headers of an .npy file or of every member of an .npz, and what is wrong with them."""
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
        raise UnreadableError(f"{name}: {error}", "the file is damaged, or holds something else than arrays") from error
    return header, [f"{name}: {problem}" for problem in problems]


def check_arrays(path: Path) -> None:
    """Refuse an .npy or .npz whose headers promise more than the file holds or the machine can take, or objects."""
    refuse(path, array_headers(path)[1])
