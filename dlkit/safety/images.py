"""Read the declared number of pixels from an image's header, because a few bytes may declare gigabytes.

The four formats are those of media.images.decode. An image without a readable size is rejected.
"""

import struct
from collections.abc import Callable

MAX_PIXELS = 100_000_000
MAX_BYTES = 1_000_000_000


def declared_pixels(encoded: bytes) -> int | None:
    """Return height times width, summed over a GIF's frames; None without a complete JPEG, PNG, GIF or BMP header."""
    for magic, read in _READERS.items():
        if encoded.startswith(magic):
            try:
                return read(encoded)
            except (struct.error, IndexError):
                return None
    return None


def _png(encoded: bytes) -> int:
    width, height = struct.unpack_from(">II", encoded, 16)
    return int(width * height)


def _bmp(encoded: bytes) -> int:
    width, height = struct.unpack_from("<ii", encoded, 18)
    return abs(int(width * height))


def _jpeg(encoded: bytes) -> int | None:
    """Return the pixels of the largest frame header; like libjpeg, skip any bytes between two segments."""
    at, largest = 2, None
    while (at := encoded.find(b"\xff", at)) >= 0:
        marker = encoded[at + 1] if at + 1 < len(encoded) else 0
        at += 1
        if marker in (0x00, 0xFF) or 0xD0 <= marker <= 0xD8:
            continue
        if marker in (0xD9, 0xDA) and largest is not None:
            break
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", encoded, at + 4)
            largest = max(largest or 0, height * width)
        at += 1 + (struct.unpack_from(">H", encoded, at + 1)[0] if at + 3 <= len(encoded) else 0)
    return largest


def _gif(encoded: bytes) -> int:
    """Return the sum over all frames, at least that of the screen, because the decoder keeps every frame."""
    width, height, flags = struct.unpack_from("<HHB", encoded, 6)
    at, frames = 13 + _colours(flags), 0
    while at < len(encoded) and encoded[at] != 0x3B:
        if encoded[at] == 0x2C:
            frame_width, frame_height, flags = struct.unpack_from("<HHB", encoded, at + 5)
            frames += frame_width * frame_height
            at = _after_blocks(encoded, at + 11 + _colours(flags))
        else:
            at = _after_blocks(encoded, at + 2)
    return max(int(width * height), frames)


def _colours(flags: int) -> int:
    """Return the number of bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(encoded: bytes, at: int) -> int:
    while at < len(encoded) and encoded[at]:
        at += encoded[at] + 1
    return at + 1


_READERS: dict[bytes, Callable[[bytes], int | None]] = {
    b"\x89PNG": _png,
    b"\xff\xd8\xff": _jpeg,
    b"GIF8": _gif,
    b"BM": _bmp,
}
