"""Print examples that are worked by hand, and the list of them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlkit.console._grid import table
from dlkit.console._primitives import line

if TYPE_CHECKING:
    from dlkit.worked.result import Grid, Worked

FIRST, LAST = 8, 3
MOST_ROWS, MOST_COLUMNS = 30, 24


def show_example(worked: "Worked") -> None:
    """Print grids, results with their formulas, and notes; of long tables the first and last rows."""
    line(worked.title)
    for grid in worked.grids:
        line()
        line(f"{grid.name}: {grid.formula}" if grid.formula else grid.name)
        _show_grid(grid)
    line()
    for result in worked.results:
        line(f"{result.name}: {result}")
    for text in worked.notes:
        line(text)


def show_examples(examples: Sequence[Mapping[str, Any]]) -> None:
    """Print what each example shows, with its settings and their defaults."""
    for example in examples:
        line(f"{example['name']}: {example['shows']}")
        for name, default in example["settings"].items():
            line(f"    {name}={default}")


def _show_grid(grid: "Grid") -> None:
    rows, columns = len(grid.values), len(grid.values[0])
    if columns > MOST_COLUMNS:
        line(f"{rows}x{columns} numbers from {_end(grid, min)} to {_end(grid, max)}; --json prints them")
        return
    chosen = list(range(rows))
    if rows > MOST_ROWS:
        chosen = [*range(FIRST), *range(rows - LAST, rows)]
    cells = [[grid.cell(row, column) for column in range(columns)] for row in chosen]
    if len(chosen) < rows:
        cells.insert(FIRST, ["..."] * columns)
    if grid.columns:
        table(grid.columns, cells, right=range(columns))
        return
    widths = [max(len(row[column]) for row in cells) for column in range(columns)]
    for row in cells:
        line("  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)))


def _end(grid: "Grid", choose: Any) -> str:
    from dlkit.worked.result import shown

    return shown(choose(choose(row) for row in grid.values))


def show_plots(plots: Sequence[Mapping[str, Any]]) -> None:
    """Print what each picture shows, what it is of, and its options."""
    rows = [(p["name"], p["of"] or "", p["shows"], " ".join(f"--{option}" for option in p["options"])) for p in plots]
    table(("picture", "of", "shows", "options"), rows)


def show_weights(weights: Sequence[Mapping[str, Any]]) -> None:
    """Print the weights of a layer: every number in full precision, or only the shape of a large array."""
    for weight in weights:
        line(f"{weight['name']}  {weight['shape']}")
        if weight["values"] is None:
            line("  too many to print; `dlkit plot filters` draws kernels")
            continue
        for text in _rows_of(weight["values"]):
            line(f"  {text}")


def _rows_of(values: Any) -> list[str]:
    """Return the numbers of nested lists, one line per innermost list."""
    if not isinstance(values, list):
        return [repr(values)]
    if not values or not isinstance(values[0], list):
        return ["  ".join(map(repr, values))]
    return [text for part in values for text in _rows_of(part)]
