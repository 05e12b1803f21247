"""Conversion of mask files to class indices, from palette indices, grey values or colours."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from dlkit.errors import InputError
from dlkit.formatting import first_few
from dlkit.interfaces.data import VOID
from dlkit.safety.images import checked_image

SUFFIXES = {".png", ".bmp", ".gif"}
KINDS = {"LA": "grey values with transparency", "RGBA": "colours with transparency", "PA": "a transparent palette"}
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
        raise InputError(
            f"{name} has labels outside the classes: {first_few(unknown, SHOWN)}",
            f"allowed pixels: {', '.join(_shown(_code(value), coloured) for value in known[:12])}; "
            "set the source's values, one per class, and void",
        )
    lookup = np.array([table[int(code)] for code in found], np.uint8)
    indices: np.ndarray = lookup[places].reshape(codes.shape)
    return indices


def _pixels(path: Path, coloured: bool) -> np.ndarray:
    """Return the pixels of a file: (h, w) as stored (grey or palette indices), or (h, w, 3) uint8 as colours.

    They are upright, as those of images. Grey values stored as three equal channels are grey values.
    """
    encoded = checked_image(path, "mask")
    try:
        with Image.open(BytesIO(encoded), formats=["PNG", "GIF", "BMP"]) as image:
            upright = ImageOps.exif_transpose(image)
            stored = np.asarray(upright.convert("L") if upright.mode == "1" else upright)
            colours = np.asarray(upright.convert("RGB")) if coloured or stored.ndim == 3 else stored
    except Exception as error:  # the parsers of the formats raise many kinds of errors for damaged bytes
        text = f"{path} is not a readable mask: it is damaged, or neither PNG nor GIF nor BMP"
        raise InputError(text, "save it again as PNG") from error
    if coloured:
        return colours
    return stored if stored.ndim == 2 else _grey(path, upright.mode, stored, colours)


def _grey(path: Path, mode: str, stored: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Return the grey values (h, w) of a mask with several channels; raise InputError if it has colours."""
    if mode in KINDS and (stored[..., -1] < 255).any():
        raise InputError(f"{path} has {KINDS[mode]} instead of class indices", "save it as an 8-bit grey PNG")
    if (colours == colours[..., :1]).all():
        return colours[..., 0]
    found = np.unique(_codes(colours))
    shown = ", ".join(_shown(int(code), True) for code in found[:SHOWN])
    raise InputError(
        f"{path} has {stored.shape[-1]} colour channels instead of class indices",
        f"give the colour of every class in class order, for example values: [{shown}]; or save an 8-bit grey mask",
    )


def _codes(pixels: np.ndarray) -> np.ndarray:
    """Encode colours (h, w, 3) as one integer each."""
    wide = pixels.astype(np.int32)
    codes: np.ndarray = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    return codes


def _code(value: Any) -> int:
    return (value[0] << 16) | (value[1] << 8) | value[2] if isinstance(value, list) else int(value)


def _shown(code: int, coloured: bool) -> str:
    return str([code >> 16, code >> 8 & 255, code & 255]) if coloured else str(code)
