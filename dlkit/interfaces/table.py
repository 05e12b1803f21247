"""What a run records of the table that it was trained on, so that other tables are read in the same way."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

MISSING = re.compile(r"(?i)|na|n/a|#n/a|<na>|nan|null")
"""The cells that have no value: empty ones, and the words that programs write for them."""

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""The cells that are numbers, with a decimal point."""

Unknown = Literal["refuse", "zeros"]


@dataclass(frozen=True)
class Column:
    """A column of inputs: a number, one of `categories`, which becomes one input per category, or a text.

    missing: what an empty cell means: `mean` or `median` of train, a number, or a category; `drop` leaves the row out,
    None makes it an error. words: how many inputs the words of a text become, or `raw` for the text itself.
    """

    name: str
    categories: tuple[str, ...] = ()
    missing: str | float | None = None
    words: int | Literal["raw"] | None = None


@dataclass(frozen=True)
class Table:
    """How examples are read from the rows of a table, by the names of its columns.

    unknown: whether a category that train does not have is an error or becomes zeros. chosen: whether the recipe lists
    the columns, so that a table may have others.
    """

    columns: tuple[Column, ...]
    target: str
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    unknown: Unknown = "refuse"
    chosen: bool = False

    @property
    def names(self) -> list[str]:
        """Return the names of the columns, in the order of the inputs."""
        return [column.name for column in self.columns]

    @property
    def is_text(self) -> bool:
        """Return whether raw examples are the cells as text, because some need a category or a rule for no value."""
        return any(column.categories or column.missing is not None or column.words for column in self.columns)

    @property
    def is_raw(self) -> bool:
        """Return whether a raw example is one text, the only column."""
        return self.columns[0].words == "raw"
