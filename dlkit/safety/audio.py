"""Checks of audio files before they are decoded: the format, and whether the file is complete."""

from pathlib import Path
from typing import BinaryIO

from dlkit.errors import InputError
from dlkit.safety.files import denied

MAX_VALUES = 1 << 27
"""The samples times channels of one file, two hours of mono at 16 kHz."""

_OPEN_ENDED = (0, 0xFFFFFFFF)  # sizes that programs write which do not know the length yet
_OTHERS = {
    b"ID3": "MP3",
    b"OggS": "Ogg",
    b"FORM": "AIFF",
    b".snd": "AU",
    b"RF64": "RF64",
    b"\xff\xfb": "MP3",
    b"\xff\xf3": "MP3",
    b"\xff\xf1": "AAC",
}


def checked_audio(path: Path) -> None:
    """Raise InputError unless a file begins as WAV or FLAC does, and a WAV file is complete."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            size = path.stat().st_size
            if head[:4] == b"RIFF" and head[8:] == b"WAVE":
                _check_chunks(path, file, size)
            elif head[:4] != b"fLaC":
                raise InputError(f"{path} is {_kind(head)}", "convert it to WAV or FLAC")
    except OSError as error:
        raise denied(error) from error


def _kind(head: bytes) -> str:
    """Describe a file that is neither WAV nor FLAC by its first bytes."""
    if not head:
        return "an empty file"
    name = next((name for start, name in _OTHERS.items() if head.startswith(start)), None)
    name = name or ("MP4" if head[4:8] == b"ftyp" else None)
    return f"{name}, which is not read" if name else "neither WAV nor FLAC"


def _check_chunks(path: Path, file: BinaryIO, size: int) -> None:
    """Raise InputError unless the chunk with the samples is as long as it declares."""
    place = 12
    while place + 8 <= size:
        file.seek(place)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        if header[:4] == b"data":
            there = size - place - 8
            if length > there and length not in _OPEN_ENDED:
                raise InputError(
                    f"{path} is truncated: {there:,} of {length:,} bytes of its samples are there", "copy it again"
                )
            return
        place += 8 + length + length % 2
    raise InputError(f"{path} is truncated: it has no samples", "copy it again")
