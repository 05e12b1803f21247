"""Read the settings of an example: numbers from the command line, from a small file, or from an image."""

import json
import types
from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from dlkit.errors import InputError, closest
from dlkit.safety.files import require_file
from dlkit.safety.images import checked_image, unreadable_image

# Arguments of examples, which convert what they are given to arrays; defaults are tuples.
Vector = Annotated[Any, 1]
Matrix = Annotated[Any, 2]
Matrices = Annotated[Any, "matrices"]

IMAGES, ROWS = (".png", ".jpg", ".jpeg", ".bmp", ".gif"), (".csv", ".txt")
MOST_BYTES, MOST_NUMBERS = 100_000_000, 25_000_000
WRITTEN = "write rows with ; and numbers with spaces, such as '1 2; 3 4', or name a .csv, .txt, .npy or image file"


def read_settings(work: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given settings of an example in the types of its arguments; raise InputError for the first wrong one.

    given: text from a command line, or plain data from a file.
    """
    hints = get_type_hints(work, include_extras=True)
    known = list(signature(work).parameters)
    for name in given:
        if name not in known:
            raise InputError(f"unknown setting {name!r}", closest(name, known))
    return {name: _read(name, value, hints[name]) for name, value in given.items()}


def _read(name: str, value: Any, hint: Any) -> Any:
    """Return a value in the type of an argument."""
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(choice for choice in get_args(hint) if choice is not type(None))
    if get_origin(hint) is Annotated:
        kind = hint.__metadata__[0]
        return _matrices(name, value) if kind == "matrices" else numbers(name, value, kind)
    if get_origin(hint) is Literal:
        return _word(name, value, list(get_args(hint)))
    if hint is bool:
        return _word(name, str(value).lower(), ["false", "true"]) == "true"
    return _number(name, value, hint)


def _word(name: str, value: Any, allowed: list[str]) -> str:
    if value not in allowed:
        raise InputError(f"{name} {str(value)!r} is not allowed", closest(str(value), allowed))
    return str(value)


def _number(name: str, value: Any, kind: type) -> Any:
    try:
        number = kind(value) if isinstance(value, str) else kind(str(value))
        if not np.isfinite(number):
            raise ValueError
    except (ValueError, OverflowError):
        expected = "a whole number" if kind is int else "a number"
        raise InputError(
            f"{name} {str(value)!r} is not {expected}", f"write {name}={'1' if kind is int else '0.5'}"
        ) from None
    return number


def numbers(name: str, value: Any, dimensions: int) -> np.ndarray:
    """Return a vector or a matrix of finite float64 numbers from text, a file's name or nested lists."""
    read = _from_text(name, value) if isinstance(value, str) else value
    array = _array(name, read)
    if dimensions == 2 and array.ndim < 2:
        array = array.reshape(1, -1)
    if dimensions == 1 and array.ndim == 2 and 1 in array.shape:
        array = array.ravel()
    if array.ndim != dimensions:
        expected = {1: "one row of numbers", 2: "rows of numbers"}[dimensions]
        raise InputError(f"{name} has the shape {list(array.shape)}, not {expected}", WRITTEN)
    return array


def _array(name: str, values: Any) -> np.ndarray:
    try:
        array = np.array(values, dtype=float)
    except (ValueError, TypeError):
        raise InputError(f"{name} is not a table of numbers with rows of equal length", WRITTEN) from None
    if not array.size or not np.isfinite(array).all():
        problem = "contains NaN or infinity" if array.size else "is empty"
        raise InputError(f"{name} {problem}", WRITTEN)
    return array


def _matrices(name: str, value: Any) -> list[np.ndarray]:
    """Return matrices from nested lists, or from text: JSON, or matrices with | between them."""
    if isinstance(value, str):
        value = _json(name, value) if value.lstrip().startswith("[") else value.split("|")
    if not isinstance(value, list) or not value:
        raise InputError(f"{name} is not a list of matrices", "separate matrices with |, such as '1 2; 3 4 | 5; 6'")
    return [numbers(f"{name}[{place}]", item, 2) for place, item in enumerate(value)]


def _from_text(name: str, text: str) -> Any:
    """Return the numbers that a text has, or those of the file that it names."""
    if text.lstrip().startswith("["):
        return _json(name, text)
    try:
        return _rows(text.split(";"))
    except ValueError:
        pass
    path = Path(text)
    if not path.suffix or (not path.exists() and path.suffix not in (*IMAGES, *ROWS, ".npy")):
        raise InputError(f"{name} {text!r} is neither numbers nor a file", WRITTEN)
    return _from_file(path)


def _rows(lines: list[str]) -> list[list[float]]:
    """Return the numbers of lines, separated by spaces or commas; raise ValueError for anything else."""
    return [[float(word) for word in line.replace(",", " ").split()] for line in lines if line.strip()]


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} {text!r} is not JSON: {error}", WRITTEN) from None


def _from_file(path: Path) -> Any:
    """Return the numbers in a file: rows of text, an array, or an image as grey values from 0 to 255."""
    require_file(path)
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path} has more than {MOST_BYTES:,} bytes", "give a small file")
    readers = {".npy": _npy} | dict.fromkeys(ROWS, _text_file) | dict.fromkeys(IMAGES, grey_image)
    if path.suffix.lower() not in readers:
        raise InputError(f"{path} is not a file of numbers", f"allowed: {', '.join(readers)}")
    values: Any = readers[path.suffix.lower()](path)
    return values


def _text_file(path: Path) -> list[list[float]]:
    try:
        return _rows(path.read_text(encoding="utf-8").splitlines())
    except ValueError as error:
        raise InputError(
            f"{path} contains more than numbers: {error}", "give rows of numbers without a header"
        ) from None


def _npy(path: Path) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path} is not a readable .npy file: {error}", "write it with numpy.save") from None
    if array.size > MOST_NUMBERS:
        raise InputError(f"{path} has {array.size:,} numbers, more than {MOST_NUMBERS:,}", "give a small array")
    return np.asarray(array)


def grey_image(path: Path) -> np.ndarray:
    """Return the grey values (height, width) of an image file, from 0 to 255."""
    from PIL import Image

    content = checked_image(path)
    try:
        with Image.open(BytesIO(content)) as opened:
            return np.asarray(opened.convert("L"), float)
    except (OSError, ValueError, SyntaxError) as error:
        raise unreadable_image(path, str(error)) from None


def read_file(path: Path) -> dict[str, Any]:
    """Return the settings in a small YAML or JSON file; raise InputError unless it is a mapping."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    require_file(path)
    if path.stat().st_size > MOST_BYTES // 100:
        raise InputError(f"{path} has more than {MOST_BYTES // 100:,} bytes", "put long arrays into .npy files")
    try:
        content = YAML(typ="safe", pure=True).load(path)
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"{path} is not YAML: {' '.join(str(error).split())}", "write lines such as stride: 2"
        ) from None
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise InputError(f"{path} is not a mapping of settings", "write lines such as stride: 2")
    return content


def default_text(value: Any) -> str:
    """Return a default as it could be written on a command line."""
    from dlkit.worked.result import shown

    row = partial(" ".join)
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        if isinstance(value[0][0], tuple):
            return " | ".join(map(default_text, value))
        return "; ".join(row(map(shown, line)) for line in value)
    if isinstance(value, tuple):
        return row(map(shown, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else shown(value)
