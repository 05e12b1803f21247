"""Read tables: delimited text with a header, as named columns of cells that know their line."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dlkit.errors import InputError
from dlkit.safety.files import missing_file, require_file

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
csv.field_size_limit(1 << 24)  # characters; the limit of texts is lower, and its message says what to do
_ENCODING = "it must be UTF-8; in a spreadsheet, save it as `CSV UTF-8`"


@dataclass(frozen=True)
class TextTable:
    """A table as text: cells by column, without the spaces around them, and the line on which each row begins.

    unnamed: the positions of columns without a name, counted from 1; their cells are not kept.
    """

    path: str
    delimiter: str
    columns: dict[str, list[str]]
    lines: list[int]
    unnamed: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def place(self, row: int) -> str:
        """Return the file and line of a row, for messages."""
        return f"{self.path}:{self.lines[row]}"

    def without(self, rows: Iterable[int]) -> "TextTable":
        """Return the table without the rows at these positions."""
        kept = sorted(set(range(len(self))) - set(rows))
        columns = {name: [cells[row] for row in kept] for name, cells in self.columns.items()}
        return TextTable(self.path, self.delimiter, columns, [self.lines[row] for row in kept], self.unnamed)


def read_table(path: Path, delimiter: str, hint: str) -> TextTable:
    """Return the table in a file; hint: what to do if there is no such file.

    Raises InputError when it is not a table in UTF-8 with a header, unique names and rows of one length.
    """
    if not path.is_file():
        raise missing_file(path, hint)
    require_file(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return parse_table(stream, str(path), delimiter)
    except UnicodeError as error:
        raise InputError(f"{_wrong_byte(path)}, so this is not a readable table", _ENCODING) from error


def _wrong_byte(path: Path) -> str:
    """Return the line and value of a file's first byte that is not UTF-8, for a message."""
    data = path.read_bytes()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return f"{path}:{line}: byte 0x{data[error.start]:02x} is not UTF-8"
    return f"{path} has changed"


def parse_table(lines: Iterable[str], path: str, delimiter: str) -> TextTable:
    """Return the table in the lines of a text; `path` names it in messages."""
    records = _records(lines, path, delimiter)
    first, header = next(records, (1, []))
    _check_header(f"{path}:{first}", header, delimiter)
    found = list(records)
    for line, cells in found:
        if len(cells) != len(header):
            raise InputError(
                f"{path}:{line} has {len(cells)} cells, more or fewer columns than the header with {len(header)}",
                f"separate the cells with {delimiter!r}, and put a cell that contains it in double quotes",
            )
    if not found:
        raise InputError(f"{path} has no rows", "the first line is the header, examples follow")
    columns = {name: [cells[place] for _, cells in found] for place, name in enumerate(header) if name}
    unnamed = tuple(place for place, name in enumerate(header, 1) if not name)
    return TextTable(path, delimiter, columns, [line for line, _ in found], unnamed)


def _records(lines: Iterable[str], path: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line on which it begins; empty lines are passed over."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, [_plain(cell, f"{path}:{line}") for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}:{line} is not a readable table: {error}", "check the double quotes from this line on"
        ) from error


def _plain(cell: str, place: str) -> str:
    if "\0" in cell:
        raise InputError(f"{place} is not a readable table: it contains the character NUL", _ENCODING)
    return cell.strip()


def _check_header(place: str, header: list[str], delimiter: str) -> None:
    """Raise InputError for a header with a name twice, and for a line that is not a header."""
    if len(header) < 1 or not any(header):
        raise InputError(f"{place}: the table has no header", "write the names of the columns in the first line")
    if header[0].lower().startswith(("sep=", "#")):
        raise InputError(f"{place}: {header[0]!r} is not the header", "remove this line, or the sign from the name")
    other = next((mark for mark in DELIMITERS if len(header) == 1 and mark in header[0]), None)
    if other is not None:
        raise InputError(
            f"{place}: the columns are separated by {DELIMITERS[other]}, not by {delimiter!r}",
            f"set data.source.csv.delimiter to {other!r}",
        )
    for name, count in Counter(header).items():
        if name and count > 1:
            places = " and ".join(str(place) for place, other in enumerate(header, 1) if other == name)
            raise InputError(f"{place}: columns {places} are both named {name!r}", "give every column its own name")
