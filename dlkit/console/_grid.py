"""Print tables. On a narrow terminal, text wraps and columns move below their row; nothing is cut."""

import sys
from collections.abc import Collection, Sequence
from textwrap import wrap
from typing import Any

from rich.cells import cell_len

from dlkit.console._primitives import line, terminal_width
from dlkit.formatting import printable

GAP = "  "
READABLE = 24  # characters that a column of text needs at least

Rows = list[list[str]]


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], right: Collection[int] = ()) -> None:
    """Print a table of results without its empty columns; right: the columns that are aligned to the right.

    Where a terminal is too narrow, the last column wraps if it is text; otherwise the columns that do not fit stand
    below their row, each with its name.
    """
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    kept = [i for i in range(len(columns)) if i == 0 or not cells or any(row[i] for row in cells)]
    header = [printable(columns[i]) for i in kept]
    cells = [[row[i] for i in kept] for row in cells]
    aligned = {place for place, i in enumerate(kept) if i in right}
    for text in _fitted(header, cells, aligned, terminal_width("stdout")):
        line(text)


def _fitted(header: list[str], rows: Rows, right: Collection[int], width: int | None) -> list[str]:
    """Return the lines of a table within a width, None for any width."""
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    last = len(header) - 1
    if width is None or _total(widths) <= width:
        return _lines(header, rows, right, widths)
    if last not in right and last and (room := width - _total(widths[:last]) - len(GAP)) >= READABLE:
        wrapped = [[*row[:last], piece] for row in rows for row, piece in _pieces(row, room)]
        return _lines(header, wrapped, right, [*widths[:last], room])
    fit = max([count for count in range(1, len(header)) if _total(widths[:count]) <= width] or [1])
    return _stacked(header, rows, right, widths[:fit], width)


def _pieces(row: list[str], room: int) -> list[tuple[list[str], str]]:
    """Return a row whose last cell is wrapped: the row with its first piece, then rows of blanks with the others."""
    first, *more = wrap(row[-1], room, break_on_hyphens=False, break_long_words=False) or [""]
    return [(row, first), *(([""] * len(row), piece) for piece in more)]


def _stacked(header: list[str], rows: Rows, right: Collection[int], widths: list[int], width: int) -> list[str]:
    """Return a table of the first columns, with the other cells below their rows."""
    fit = len(widths)
    titles = max(map(cell_len, header[fit:]))
    found = _lines(header[:fit], [], right, widths)
    for row in rows:
        found += _lines(header[:fit], [row[:fit]], right, widths)[-1:]
        for name, cell in zip(header[fit:], row[fit:], strict=True):
            start = f"    {_padded(name, titles, False)}{GAP}"
            room = max(READABLE, width - cell_len(start))
            pieces = wrap(cell, room, break_on_hyphens=False, break_long_words=False)
            found += [f"{start if i == 0 else ' ' * cell_len(start)}{piece}" for i, piece in enumerate(pieces)]
    return found


def _lines(header: list[str], rows: Rows, right: Collection[int], widths: list[int]) -> list[str]:
    found = [header, *rows]
    if sys.stdout.isatty():
        found.insert(1, ["─" * width for width in widths])
    padded = ([_padded(cell, widths[i], i in right) for i, cell in enumerate(row)] for row in found)
    return [GAP.join(row).rstrip() for row in padded]


def _padded(cell: str, width: int, right: bool) -> str:
    blank = " " * (width - cell_len(cell))
    return blank + cell if right else cell + blank


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)
