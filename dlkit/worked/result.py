"""What an example shows: grids of numbers, results with their formulas, and notes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Cell = float | str


@dataclass(frozen=True)
class Grid:
    """A table or an image of numbers.

    values: numbers or words, by row. columns, rows: their names, if they have any. formula: how they are computed.
    digits: significant digits that are shown. is_image: the cells are pixels, so that colours show their values.
    """

    name: str
    values: Sequence[Sequence[Cell]]
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    formula: str = ""
    digits: int = 6
    is_image: bool = False

    def cell(self, row: int, column: int) -> str:
        """Return one cell as it is shown."""
        return shown(self.values[row][column], self.digits)

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        values = [[cell if isinstance(cell, str) else _plain(cell) for cell in row] for row in self.values]
        return {
            "name": self.name,
            "formula": self.formula,
            "columns": list(self.columns),
            "rows": list(self.rows),
            "values": values,
        }


@dataclass(frozen=True)
class Value:
    """A result, with the formula that has its numbers inserted."""

    name: str
    formula: str
    value: Cell

    def __str__(self) -> str:
        return f"{self.formula} = {shown(self.value, 10)}"

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        value = self.value if isinstance(self.value, str) else _plain(self.value)
        return {"name": self.name, "formula": self.formula, "value": value}


@dataclass(frozen=True)
class Worked:
    """An example worked by hand; results and notes are lines of text below the grids."""

    title: str
    grids: tuple[Grid, ...]
    results: tuple[Value, ...] = ()
    notes: tuple[str, ...] = ()

    def grid(self, name: str) -> np.ndarray:
        """Return the numbers of a grid."""
        return np.array(next(grid.values for grid in self.grids if grid.name == name), float)

    def result(self, name: str) -> float:
        """Return the number of a result."""
        return float(next(result.value for result in self.results if result.name == name))

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        return {
            "title": self.title,
            "grids": [grid.to_json() for grid in self.grids],
            "results": [result.to_json() for result in self.results],
            "notes": list(self.notes),
        }


def image(name: str, values: Any, formula: str = "") -> Grid:
    """Return a grid of pixels (rows, columns)."""
    return Grid(name, np.asarray(values, float).tolist(), formula=formula, is_image=True)


def table(name: str, columns: Sequence[str], values: Any, formula: str = "", digits: int = 6) -> Grid:
    """Return a grid with named columns; a single vector becomes a single row."""
    listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
    rows = listed if listed and isinstance(listed[0], list | tuple) else [listed]
    return Grid(name, rows, tuple(columns), formula=formula, digits=digits)


def shown(value: Cell, digits: int = 6) -> str:
    """Return a number with its significant digits (17: all that it has), as short as possible, or a word."""
    if isinstance(value, str):
        return value
    number = float(value)
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    return repr(number) if digits >= 17 else f"{number:.{digits}g}"


def product(factors: Sequence[float], values: Sequence[float]) -> str:
    """Return a sum of products with its numbers inserted, such as `5*105 + (-1)*102`."""
    terms = (f"{_factor(a)}*{_factor(b)}" for a, b in zip(factors, values, strict=True))
    return " + ".join(terms)


def _factor(value: float) -> str:
    text = shown(value)
    return f"({text})" if text.startswith("-") else text


def _plain(value: float) -> float | int:
    number = float(value)
    return int(number) if number.is_integer() else number


def numbered(word: str, count: int) -> list[str]:
    """Return the names of the columns of a vector: `h1`, `h2` and so on, or just `h` for a single value."""
    return [word] if count == 1 else [f"{word}{place}" for place in range(1, count + 1)]
