"""Read texts from files in a declared encoding, and check them in the same way for training and predict."""

import codecs
import re
from pathlib import Path

from dlkit.errors import InputError
from dlkit.safety.files import missing_file, require_file

SUFFIXES = frozenset({".txt"})
MAX_CHARACTERS = 100_000
"""A longer text indicates a file that was not cut into examples, and would need gigabytes in a batch."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")


def check_encoding(encoding: str) -> None:
    """Raise InputError when Python has no text encoding of this name."""
    try:
        known = codecs.lookup(encoding)._is_text_encoding and "a".encode(encoding) != b""
    except (LookupError, ValueError):  # ValueError: a NUL in the name, or the encoding `undefined`
        known = False
    if not known:
        raise InputError(f"there is no encoding {encoding!r}", "such as utf-8, cp1252 (Windows), latin-1 or iso8859-2")


def read_text(path: Path, encoding: str) -> str:
    """Return the text of a file, with `\\n` between lines; raise InputError at the line of an undecodable byte."""
    if not path.is_file():
        raise missing_file(path, "write the texts there, or give another path in data.source")
    require_file(path)
    data = path.read_bytes()
    try:
        text = data.decode(encoding)
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = data[:start].decode(encoding, "ignore").count("\n") + 1
        raise InputError(
            f"{path}:{line}: byte 0x{data[start]:02x} cannot be read as {encoding}",
            "declare the encoding that the file was written in: data.source.<source>.encoding, such as utf-8 or cp1252",
        ) from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def read_lines(path: Path, encoding: str) -> list[tuple[str, str]]:
    """Return the checked texts of a file with one in every line, each after its place `file:line`."""
    lines = read_text(path, encoding).split("\n")
    if not lines[-1]:
        lines.pop()
    if not lines:
        raise InputError(f"{path} is empty", "write one text in every line")
    return [(f"{path}:{number}", checked(line, f"{path}:{number}")) for number, line in enumerate(lines, 1)]


def read_whole(path: Path, encoding: str) -> str:
    """Return the checked text of a file that is one text, its lines joined with spaces."""
    return checked(" ".join(read_text(path, encoding).split("\n")).strip(), str(path))


_ENCODED = "remove it; if there are many, declare another encoding: cp1252 has quotes where latin-1 has controls"


def checked(text: str, place: str, hint: str = _ENCODED) -> str:
    """Return a text; raise InputError when it is empty or too long, or contains control characters.

    hint: what to do about these.
    """
    if not text.strip():
        raise InputError(f"{place}: the text is empty", "remove it, or complete it")
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"{place}: the text has {len(text):,} characters, but at most {MAX_CHARACTERS:,} are allowed",
            "cut it into several texts",
        )
    found = _CONTROL.search(text)
    if found:
        raise InputError(
            f"{place}: character {found.start() + 1} is the control character U+{ord(found.group()):04X}",
            hint,
        )
    return text
