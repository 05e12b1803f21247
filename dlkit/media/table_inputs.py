"""Turn the text of a table into the inputs of examples, the same way in training, evaluation and prediction."""

from math import isfinite

import numpy as np

from dlkit.errors import InputError, closest
from dlkit.interfaces.ragged import Texts
from dlkit.interfaces.table import MISSING, NUMBER, Column, Table
from dlkit.media.tables import TextTable
from dlkit.media.text import checked

SETTINGS = "data.source.csv"


def read_inputs(text: TextTable, table: Table) -> "np.ndarray | Texts":
    """Return the inputs of all rows, by the names of the columns: float64 or, as UTF-8 bytes, cells (n, columns).

    A table of one raw text gives texts (n,).

    Raises InputError for other columns than the table's, and for cells that its rules do not allow.
    """
    check_columns(text, table)
    for column in table.columns:
        check_cells(text, column, table)
    if not table.is_text:
        return np.stack([numbers(text.columns[name], table.decimal) for name in table.names], axis=-1)
    if table.is_raw:
        return Texts.of_strings(text.columns[table.names[0]])
    columns = [["" if is_missing(cell) else cell for cell in text.columns[name]] for name in table.names]
    return np.char.encode(np.asarray(columns, np.str_).T, "utf-8")


def check_columns(text: TextTable, table: Table) -> None:
    """Raise InputError, with the names, unless a table has the columns of training; its target may be missing."""
    missing = [repr(name) for name in table.names if name not in text.columns]
    added = [repr(name) for name in text.columns if name not in (*table.names, table.target)]
    added += [f"column {place}, which has no name" for place in text.unnamed]
    if not missing and (table.chosen or not added):
        return
    parts = [f"missing: {', '.join(missing)}"] * bool(missing) + [f"additional: {', '.join(added)}"] * bool(added)
    raise InputError(
        f"the columns of {text.path} are not those of the training table; {'; '.join(parts)}",
        f"columns are matched by name: rename them, or train with the columns to use listed in {SETTINGS}.features",
    )


def require_column(text: TextTable, name: str) -> None:
    """Raise InputError when a table has no column of this name."""
    if name not in text.columns:
        raise InputError(f"{text.path} has no column {name!r}", closest(name, list(text.columns)))


def is_missing(cell: str) -> bool:
    """Return whether a cell has no value: it is empty, or a word for that such as NA."""
    return MISSING.fullmatch(cell) is not None


def counts_rows(cells: list[str]) -> bool:
    """Return whether a column is the number of its row, from 0 or 1."""
    return len(cells) > 2 and cells in [[str(row) for row in range(start, start + len(cells))] for start in (0, 1)]


def numbers(cells: list[str], decimal: str) -> np.ndarray:
    """Return checked cells as float64 (n,)."""
    return np.asarray([float(cell.replace(decimal, ".")) for cell in cells], np.float64)


def is_number(cell: str, decimal: str) -> bool:
    """Return whether a cell is a finite number that float64 holds; it must hold whole numbers exactly."""
    plain = cell.replace(decimal, ".") if decimal == "." or "." not in cell else ""
    if not NUMBER.fullmatch(plain) or not isfinite(float(plain)):
        return False
    return not plain.lstrip("+-").isdigit() or int(plain) == int(float(plain))


def check_cells(text: TextTable, column: Column, table: Table) -> None:
    """Raise InputError at the first cell of a column that is no number, has no category or has no value."""
    if column.words is not None:
        _check_texts(text, column)
        return
    known = frozenset(column.categories)
    for row, cell in enumerate(text.columns[column.name]):
        if is_missing(cell):
            if column.missing in (None, "drop"):
                raise _without_value(text, column, row)
        elif known:
            if cell not in known and table.unknown == "refuse":
                raise _unknown(text, column, row)
        elif not is_number(cell, table.decimal):
            raise _not_a_number(text, column.name, row, table.decimal)


def _check_texts(text: TextTable, column: Column) -> None:
    """Raise InputError at the first cell that is empty, or not a text that can be an example."""
    for row, cell in enumerate(text.columns[column.name]):
        if not cell:
            raise _without_value(text, column, row)
        checked(cell, f"{text.place(row)}: column {column.name!r}", "remove it")


def _without_value(text: TextTable, column: Column, row: int) -> InputError:
    cells = text.columns[column.name]
    count = sum(map(is_missing, cells))
    rules = "drop" if column.words else "a category or drop" if column.categories else "mean, median, a number or drop"
    others = {1: "", 2: ", nor has another row"}.get(count, f", nor have {count - 1} other rows")
    return InputError(
        f"{text.place(row)}: column {column.name!r} has no value ({cells[row] or 'empty'}){others}",
        f"complete the table, or train with a rule for it: {SETTINGS}.missing: {{{column.name}: RULE}}, {rules}",
    )


def _unknown(text: TextTable, column: Column, row: int) -> InputError:
    cell = text.columns[column.name][row]
    return InputError(
        f"{text.place(row)}: column {column.name!r} has the category {cell!r}, which the training table does not have",
        f"{closest(cell, list(column.categories))}; or train with {SETTINGS}.unknown: zeros",
    )


def _not_a_number(text: TextTable, name: str, row: int, decimal: str) -> InputError:
    """Return the error for a cell, or for a whole column of text, with what to do."""
    cells = text.columns[name]
    where = f"{text.place(row)}: column {name!r}"
    if any(is_number(cell, mark) for cell in cells for mark in (decimal, ",")):
        return InputError(f"{where} is not a finite number: {cells[row]!r}", _advice(cells[row], decimal))
    return InputError(
        f"{where} contains text, such as {cells[row]!r}",
        f"list the columns to use, without it, in {SETTINGS}.features; or, if each text is a category, set "
        f"{SETTINGS}.categories: [{name}]; or, if it is prose, {SETTINGS}.texts: {{{name}: 2000}}",
    )


def _advice(cell: str, decimal: str) -> str:
    """Return what to do about a cell that is not a number in a column of numbers."""
    if decimal == "." and is_number(cell, ","):
        return f'write it with a decimal point, or set {SETTINGS}.decimal: ","'
    if cell.lstrip("+-").isdigit() and cell.isascii():
        return f"float64 cannot hold it exactly; if it is an identifier, leave it out with {SETTINGS}.features"
    return "write digits and a decimal point, without units, underscores or separators of thousands"
