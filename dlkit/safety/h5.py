"""List the contents of an HDF5 file and check that all of them are in the file itself, without reading values."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from dlkit.formatting import byte_size
from dlkit.machine.hardware import memory
from dlkit.safety.files import MAX_VALUES, UnreadableError, first_line, ratio_problems, require_file

MAX_OBJECTS = 100_000
SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class H5Contents:
    """Shapes of the datasets by path, text attributes, and problems."""

    datasets: dict[str, list[int]]
    texts: dict[str, str]
    problems: list[str]


def h5_contents(source: Path | BinaryIO, name: str) -> H5Contents:
    """Return the contents of an HDF5 file or stream; raise InputError when it is unreadable."""
    if isinstance(source, Path):
        require_file(source)
    contents, held = H5Contents({}, {}, []), _size(source)
    try:
        with import_module("h5py").File(source, "r") as file:
            declared = sum(_note(path, item, contents) for path, item in _objects(file, contents))
    except Exception as error:  # the HDF5 library raises many kinds of errors for damaged bytes
        message = f"{name} is not a readable HDF5 file: {first_line(error)}"
        raise UnreadableError(message, "the file is damaged") from error
    size = sum(prod(shape) for shape in contents.datasets.values())
    if size > MAX_VALUES:
        contents.problems.append(f"it declares {size:.3g} values, but at most {MAX_VALUES:.0e} are allowed")
    contents.problems.extend(ratio_problems(declared, held))
    return contents


def _size(source: Path | BinaryIO) -> int:
    if isinstance(source, Path):
        return source.stat().st_size
    return source.seek(0, 2)


def _objects(file: Any, contents: H5Contents) -> Iterator[tuple[str, Any]]:
    """Yield each group and dataset once, even if links form cycles; links out of the file are recorded as problems."""
    h5py = import_module("h5py")
    waiting, seen = [("", file)], set()
    while waiting:
        path, item = waiting.pop()
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            continue
        seen.add(address)
        if len(seen) > MAX_OBJECTS:
            contents.problems.append(f"more than {MAX_OBJECTS:,} groups and datasets")
            return
        yield path, item
        if isinstance(item, h5py.Group):
            waiting += [(f"{path}/{key}", item[key]) for key in item if _is_inside(item, key, path, contents)]


def _is_inside(group: Any, key: str, path: str, contents: H5Contents) -> bool:
    """Return whether an entry is stored in this file rather than a link, which Keras never writes."""
    link = group.get(key, getlink=True)
    kind = type(link).__name__
    if kind != "HardLink":
        target = f"{link.filename}:{link.path}" if kind == "ExternalLink" else getattr(link, "path", "?")
        contents.problems.append(f"{path}/{key} is a {kind} to {target}")
    return kind == "HardLink"


def _note(path: str, item: Any, contents: H5Contents) -> int:
    """Note a group or dataset; return the bytes that its values take."""
    size = 0
    if hasattr(item, "shape"):
        size = prod(item.shape or ()) * item.dtype.itemsize
        contents.datasets[path] = [int(size) for size in item.shape or ()]
        contents.problems.extend(f"{path} {text}" for text in _dataset_problems(item))
    for key, value in item.attrs.items():
        if isinstance(value, str | bytes):
            contents.texts[f"{path}@{key}"] = value if isinstance(value, str) else value.decode(errors="replace")
    return size


def _dataset_problems(item: Any) -> Iterator[str]:
    """Yield problems of a dataset: values in other files, or more values than fit in memory."""
    if item.external:
        yield f"stores its values in another file, {item.external[0][0]}"
    if item.is_virtual:
        yield f"is assembled from other files, {item.virtual_sources()[0].file_name}"
    if item.dtype.hasobject:
        yield "contains texts or references instead of numbers"
    size = prod(item.shape or ()) * item.dtype.itemsize
    if size > memory().total:
        yield f"declares {byte_size(size)}, but this machine has {byte_size(memory().total)} of memory"
