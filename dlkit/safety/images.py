"""Check an image by its header before a decoder sees it, because a few bytes may declare gigabytes.

The formats are those of media.images. An image without a readable size is rejected.
"""

import struct
from collections.abc import Callable
from pathlib import Path

from dlkit.errors import InputError
from dlkit.safety.files import require_file

MAX_PIXELS = 100_000_000
MAX_BYTES = 1_000_000_000
FORMATS = "JPEG, PNG, GIF, BMP or WebP"
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG"
"""The first bytes of these files."""


def checked_image(path: Path, what: str = "image") -> bytes:
    """Return the bytes of an image file; raise InputError if it is too large or declares too many pixels."""
    require_file(path)
    if path.stat().st_size > MAX_BYTES:
        size = path.stat().st_size
        raise InputError(f"{path} has {size:,} bytes, but at most {MAX_BYTES:,} are allowed", "make the file smaller")
    encoded = path.read_bytes()
    pixels = declared_pixels(encoded)
    if pixels is None:
        raise unreadable_image(path, foreign_format(encoded), what)
    if pixels > MAX_PIXELS:
        raise InputError(
            f"{path} declares {pixels:,} pixels, but at most {MAX_PIXELS:,} are allowed",
            "make the image smaller, or remove the file",
        )
    return encoded


def unreadable_image(path: Path, reason: str = "", what: str = "image") -> InputError:
    """Return the error for an image or a mask that cannot be decoded, with the reason if it is known."""
    why = f": {reason}" if reason else ""
    formats = FORMATS if what == "image" else "PNG, GIF or BMP"
    return InputError(f"{path} is not a readable {what}{why}", f"use {formats}; remove or replace the file")


def foreign_format(encoded: bytes) -> str:
    """Return what a file that is no image of the supported formats is, or nothing if it is not known."""
    if not encoded:
        return "the file is empty"
    names = (name for magic, name in _FOREIGN.items() if encoded.startswith(magic) or encoded[4:12] == magic)
    return next((f"it is {name}" for name in names), "")


def deep_pixels(encoded: bytes) -> int | None:
    """Return the bits per channel of a PNG or JPEG image that has more than 8, which decoders would cut; else None."""
    try:
        bits = encoded[24] if encoded.startswith(PNG) else _jpeg_frame(encoded)[0] if encoded.startswith(JPEG) else 8
    except (struct.error, IndexError):
        return None
    return bits if bits > 8 else None


def declared_pixels(encoded: bytes) -> int | None:
    """Return height times width of the area that a decoder allocates; None without a complete, known header."""
    for magic, read in _READERS.items():
        if encoded.startswith(magic):
            try:
                return read(encoded) or None
            except (struct.error, IndexError):
                return None
    return None


def _png(encoded: bytes) -> int:
    width, height = struct.unpack_from(">II", encoded, 16)
    return int(width * height)


def _bmp(encoded: bytes) -> int:
    header = int.from_bytes(encoded[14:18], "little")
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", encoded, 18)  # 12: the form of OS/2
    return abs(int(width * height))


def _jpeg(encoded: bytes) -> int:
    return _jpeg_frame(encoded)[1]


def _jpeg_frame(encoded: bytes) -> tuple[int, int]:
    """Return the most bits and the most pixels of all frame headers; like libjpeg, skip bytes between two segments."""
    at, largest, bits = 2, 0, 0
    while (at := encoded.find(b"\xff", at)) >= 0:
        marker = encoded[at + 1] if at + 1 < len(encoded) else 0
        at += 1
        if marker in (0x00, 0xFF) or 0xD0 <= marker <= 0xD8:
            continue
        if marker in (0xD9, 0xDA) and largest:
            break
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            depth, height, width = struct.unpack_from(">BHH", encoded, at + 3)
            largest, bits = max(largest, height * width), max(bits, depth)
        at += 1 + (struct.unpack_from(">H", encoded, at + 1)[0] if at + 3 <= len(encoded) else 0)
    return bits, largest


def _gif(encoded: bytes) -> int:
    """Return the smallest area that contains the screen and every frame, because decoders enlarge it to the frames."""
    width, height, flags = struct.unpack_from("<HHB", encoded, 6)
    at = 13 + _colours(flags)
    while at < len(encoded) and encoded[at] != 0x3B:
        if encoded[at] == 0x2C:
            left, top, frame_width, frame_height, flags = struct.unpack_from("<HHHHB", encoded, at + 1)
            width, height = max(width, left + frame_width), max(height, top + frame_height)
            at = _after_blocks(encoded, at + 11 + _colours(flags))
        else:
            at = _after_blocks(encoded, at + 2)
    return int(width * height)


def _webp(encoded: bytes) -> int | None:
    """Return the pixels of the canvas: extended, lossless and lossy files store its size in different places."""
    kind = encoded[12:16]
    if encoded[8:12] != b"WEBP" or len(encoded) < 30:
        return None
    if kind == b"VP8X":
        sizes = [int.from_bytes(encoded[at : at + 3], "little") + 1 for at in (24, 27)]
    elif kind == b"VP8L":
        bits = int.from_bytes(encoded[21:25], "little")
        sizes = [(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1]
    else:
        sizes = [size & 0x3FFF for size in struct.unpack_from("<HH", encoded, 26)]
    return sizes[0] * sizes[1]


def _colours(flags: int) -> int:
    """Return the number of bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(encoded: bytes, at: int) -> int:
    while at < len(encoded) and encoded[at]:
        at += encoded[at] + 1
    return at + 1


_READERS: dict[bytes, Callable[[bytes], int | None]] = {
    PNG: _png,
    JPEG: _jpeg,
    b"GIF8": _gif,
    b"BM": _bmp,
    b"RIFF": _webp,
}
_FOREIGN = {
    b"II*\0": "a TIFF file",
    b"MM\0*": "a TIFF file",
    b"ftypheic": "a HEIC file",
    b"ftypheix": "a HEIC file",
    b"ftypmif1": "a HEIC file",
    b"ftypavif": "an AVIF file",
    b"\0\0\0\x0cjP": "a JPEG 2000 file",
    b"8BPS": "a Photoshop file",
    b"%PDF": "a PDF file",
    b"<svg": "an SVG file",
    b"<?xml": "an XML file",
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"\0\x05\x16\x07": "a resource file of macOS",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself",
    b"PK\3\4": "a ZIP archive",
}
