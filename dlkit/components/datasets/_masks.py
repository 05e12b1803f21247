"""Conversion of mask files to class indices, from palette indices, grey values or colours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from dlkit.errors import InputError
from dlkit.interfaces.data import VOID
from dlkit.safety.files import require_file
from dlkit.safety.images import MAX_BYTES, MAX_PIXELS, declared_pixels

SUFFIXES = {".png", ".bmp", ".gif"}
INDEXED = ("1", "L", "P")
SHOWN = 5

Value = int | list[int]


def check_values(values: Sequence[Value] | None, void: Sequence[Value], classes: int) -> None:
    """Raise InputError unless there is one value per class, all distinct and of one kind."""
    if values is None:
        if classes > VOID:
            raise InputError(f"{classes} classes are declared", f"a mask can represent at most {VOID}")
        return
    if len(values) != classes:
        raise InputError(f"{len(values)} values for {classes} classes", "give one value per class, in class order")
    everything = [*values, *void]
    if len({isinstance(value, list) for value in everything}) > 1:
        raise InputError("values and void mix numbers and colours", "give only numbers, or only [red, green, blue]")
    if any(isinstance(value, list) and len(value) != 3 for value in everything):
        raise InputError("a colour has three values", "such as [255, 0, 0]")
    numbers = [n for value in everything for n in (value if isinstance(value, list) else [value])]
    if not all(0 <= n <= 255 for n in numbers) or len({str(value) for value in everything}) < len(everything):
        raise InputError(f"values and void must be different numbers from 0 to 255, received {everything}")


def read_mask(path: Path, values: Sequence[Value] | None, void: Sequence[Value], classes: int) -> np.ndarray:
    """Return the mask in a file as class indices uint8 (h, w), VOID for pixels without a class; errors name the file.

    Without `values`, pixels are class indices and 255 is void. Otherwise `values` lists the grey value, palette index
    or colour of each class, and pixels listed in `void` belong to no class.
    """
    coloured = isinstance(next(iter([*(values or []), *void]), 0), list)
    return class_indices(_pixels(path, coloured), values, void, classes, str(path))


def class_indices(
    pixels: np.ndarray, values: Sequence[Value] | None, void: Sequence[Value], classes: int, name: str
) -> np.ndarray:
    """Convert mask pixels, numbers (..., h, w) or colours (h, w, 3), to class indices uint8; `name` begins errors."""
    if pixels.dtype.kind not in "bui":
        raise InputError(f"{name} is {pixels.dtype}", "mask pixels must be integers or booleans")
    coloured = isinstance(next(iter([*(values or []), *void]), 0), list)
    known = [*(values if values is not None else range(classes)), *void]
    labels = [*range(classes), *[VOID] * len(void)]
    if values is None and 255 not in known:
        known, labels = [*known, 255], [*labels, VOID]
    codes = _codes(pixels) if coloured else pixels
    table = {_code(value): label for value, label in zip(known, labels, strict=True)}
    found, places = np.unique(codes, return_inverse=True)
    unknown = [_shown(int(code), coloured) for code in found if int(code) not in table]
    if unknown:
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        raise InputError(
            f"{name} has labels outside the classes: {', '.join(unknown[:SHOWN])}{more}",
            f"allowed pixels: {', '.join(_shown(_code(value), coloured) for value in known[:12])}; "
            "set the source's values, one per class, and void",
        )
    lookup = np.array([table[int(code)] for code in found], np.uint8)
    indices: np.ndarray = lookup[places].reshape(codes.shape)
    return indices


def _pixels(path: Path, coloured: bool) -> np.ndarray:
    """Return the pixels of a file as uint8: (h, w) as stored (grey or palette indices), or (h, w, 3) as colours."""
    require_file(path)
    encoded_pixels = declared_pixels(path.read_bytes()) if path.stat().st_size <= MAX_BYTES else None
    if encoded_pixels is None or encoded_pixels > MAX_PIXELS:
        raise InputError(f"{path} is not a readable mask", "supported: PNG, GIF and BMP of a decodable size")
    try:
        with Image.open(path, formats=["PNG", "GIF", "BMP"]) as image:
            if not coloured and image.mode not in INDEXED:
                raise InputError(
                    f"{path} has {len(image.getbands())} colour channels instead of class indices",
                    "give the colour of every class: values: [[0, 0, 0], [255, 0, 0]]; or save an 8-bit grey mask",
                )
            stored = image.convert("L") if image.mode == "1" else image
            pixels: np.ndarray = np.asarray(image.convert("RGB") if coloured else stored)
            return pixels
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path} is not a readable mask: {error}", "save it again as PNG") from error


def _codes(pixels: np.ndarray) -> np.ndarray:
    """Encode colours (h, w, 3) as one integer each."""
    wide = pixels.astype(np.int32)
    codes: np.ndarray = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    return codes


def _code(value: Any) -> int:
    return (value[0] << 16) | (value[1] << 8) | value[2] if isinstance(value, list) else int(value)


def _shown(code: int, coloured: bool) -> str:
    return str([code >> 16, code >> 8 & 255, code & 255]) if coloured else str(code)
