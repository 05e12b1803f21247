"""Draw an example worked by hand: every grid with its numbers in the cells, its results below."""

from math import ceil
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure

from dlkit.figures.style import house_style, label

if TYPE_CHECKING:
    from dlkit.worked.result import Grid, Worked

MOST_CELLS = 24
LINES = 20  # of all tables together in a figure
LONGEST = 120


@house_style
def worked_figure(worked: "Worked") -> Figure:
    """Return a figure of an example: images as coloured cells, tables as rows, and the results as text."""
    figure = Figure()
    figure.suptitle(label(worked.title, 110))
    tables = sum(bool(grid.columns) for grid in worked.grids)
    most = max(LINES // max(tables, 1) - 2, 4)
    lines = [label(f"{result.name}: {result}", LONGEST) for result in worked.results]
    lines += [label(text, LONGEST) for text in worked.notes]
    rows = _arranged(worked.grids)
    heights = [max(_height(grid, most) + 2.5 for grid in row) for row in rows]
    outer = figure.add_gridspec(len(rows) + 1, 1, height_ratios=[*heights, 0.9 * len(lines) + 0.2])
    for place, row in enumerate(rows):
        widths = [max(min(_shape(grid)[1], MOST_CELLS), 3) for grid in row]
        inner = outer[place].subgridspec(1, len(row), width_ratios=widths)
        for column, grid in enumerate(row):
            share = widths[column] / sum(widths)
            _draw(figure.add_subplot(inner[column]), grid, most, int(130 * share))
    below = figure.add_subplot(outer[len(rows)])
    below.set_axis_off()
    below.text(0, 1, "\n".join(lines), va="top", fontsize=13, transform=below.transAxes)
    figure.set_size_inches(12.8, max(7.2, 0.28 * (sum(heights) + len(lines))))
    return figure


def _arranged(grids: "tuple[Grid, ...]") -> "list[list[Grid]]":
    """Return rows of grids: wide tables alone, what is narrow side by side."""
    rows: list[list[Grid]] = []
    for grid in grids:
        width = sum(min(_shape(other)[1], MOST_CELLS) for other in rows[-1]) if rows else 0
        if rows and width + _shape(grid)[1] <= (MOST_CELLS if grid.is_image else 7) and len(rows[-1]) < 4:
            rows[-1].append(grid)
        else:
            rows.append([grid])
    return rows


def _shape(grid: "Grid") -> tuple[int, int]:
    return len(grid.values), len(grid.values[0])


def _height(grid: "Grid", most: int) -> int:
    return min(_shape(grid)[0], most + 1 if grid.columns else MOST_CELLS)


def _draw(axes: Any, grid: "Grid", most: int, letters: int) -> None:
    """Draw one grid below its name; most: rows of a table, letters: how many fit into a line."""
    title = [line for text in (grid.name, grid.formula) for line in wrap(label(text, 120), letters)]
    axes.set_title("\n".join(title), fontsize=13)
    axes.spines[:].set_visible(False)
    axes.set(xticks=[], yticks=[])
    rows, columns = len(grid.values), len(grid.values[0])
    if grid.is_image:
        values = np.array(grid.values, float)
        reach = max(float(abs(values).max()), 1e-12)
        shown = axes.imshow(values, cmap="PuOr_r", vmin=-reach, vmax=reach)
        if max(rows, columns) <= MOST_CELLS:
            for (row, column), value in np.ndenumerate(values):
                colour = _contrast(shown.cmap(shown.norm(value)))
                axes.text(column, row, grid.cell(row, column), ha="center", va="center", fontsize=12, color=colour)
    else:
        _draw_table(axes, grid, most)


def _draw_table(axes: Any, grid: "Grid", most: int) -> None:
    """Write a table as text, with a line below its header; of long ones the first and last rows."""
    rows, columns = len(grid.values), len(grid.values[0])
    chosen = list(range(rows)) if rows <= most else [*range(most - 1), rows - 1]
    cells = [[_short(grid, row, column) for column in range(columns)] for row in chosen]
    if len(chosen) < rows:
        cells.insert(most - 1, ["…"] * columns)
    if grid.columns:
        cells.insert(0, [label(name, 18) for name in grid.columns])
        axes.axhline(0.5, color=rcParams["text.color"], linewidth=1)
    for row, texts in enumerate(cells):
        for column, text in enumerate(texts):
            axes.text(column, row, text, ha="center", va="center", fontsize=12)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(len(cells) - 0.5, -0.5))


def _short(grid: "Grid", row: int, column: int) -> str:
    """Return a cell, with fewer digits where a table has many columns."""
    from dlkit.worked.result import shown

    columns = len(grid.values[0])
    return shown(grid.values[row][column], min(grid.digits, max(4, ceil(60 / columns) - 4)))


def _contrast(colour: tuple[float, ...]) -> str:
    red, green, blue = colour[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
