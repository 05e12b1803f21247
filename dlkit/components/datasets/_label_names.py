"""Check the names of classes and categories in a column of a table."""

import unicodedata
from collections.abc import Iterable, Iterator

from dlkit.errors import InputError
from dlkit.interfaces.table import NUMBER
from dlkit.media.table_inputs import is_missing
from dlkit.media.tables import TextTable


def check_labels(text: TextTable, column: str, names: Iterable[str]) -> None:
    """Raise InputError for a label without a value, and for two labels that are the same word or number."""
    cells = text.columns[column]
    for name, other in spelled_before(sorted(names)):
        where = f"{text.place(cells.index(name))}: column {column!r}"
        if is_missing(name):
            raise InputError(f"{where} has no value ({name or 'empty'})", "complete the row or remove it")
        if other is not None:
            raise InputError(
                f"{where} has {name!r}, and {text.place(cells.index(other))} has {other!r}, which means the same",
                "write them in the same way",
            )


def spelled_before(names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Yield every name with an earlier, other one that means the same, None without such a one."""
    seen: dict[str | float, str] = {}
    for name in names:
        other = seen.setdefault(_meaning(name), name)
        yield name, other if other != name else None


def _meaning(name: str) -> str | float:
    """Return what two spellings of one name share: the number, or the composed text (NFC) with single spaces."""
    return float(name) if NUMBER.fullmatch(name) else " ".join(unicodedata.normalize("NFC", name).split())
