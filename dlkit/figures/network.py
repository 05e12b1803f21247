"""Draw a network as boxes and arrows, level by level, in columns from left to right."""

from collections import defaultdict
from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from dlkit.figures.style import COLOURS, house_style, label

if TYPE_CHECKING:
    from dlkit.analysis.graph import Box

WIDTH, HEIGHT, STEP = 1.0, 0.62, 1.0  # of a box, and from one level to the next
GAP = 0.45  # between columns
PER_COLUMN = 9


@house_style
def network_figure(title: str, boxes: Sequence["Box"]) -> Figure:
    """Return a figure of boxes; a branch that skips levels bends around what it skips. Large networks get more room."""
    places, width, rows = layout(boxes)
    figure = Figure(figsize=(max(12.8, 2.7 * width), max(7.2, 0.72 * rows + 0.6)))
    figure.suptitle(title)
    axes = figure.add_subplot()
    axes.set(xlim=(-0.85, max(width, 4.5) - 0.4), ylim=(-rows + 0.4, 0.6))
    axes.set_axis_off()
    kinds = list(dict.fromkeys(box.kind for box in boxes))
    for number, box in enumerate(boxes):
        _draw_box(axes, box, places[number], COLOURS[kinds.index(box.kind) % len(COLOURS)])
        for parent in box.parents:
            _draw_arrow(axes, places[parent], places[number], box.level - boxes[parent].level)
    return figure


def layout(boxes: Sequence["Box"]) -> tuple[list[tuple[float, float]], float, int]:
    """Return the centre of each box, the width of all columns, and the number of rows."""
    levels: dict[int, list[int]] = defaultdict(list)
    for number, box in enumerate(boxes):
        levels[box.level].append(number)
    most = max(PER_COLUMN, ceil(len(levels) / 12))
    rows = ceil(len(levels) / ceil(len(levels) / most))  # columns of about the same height
    places: list[tuple[float, float]] = [(0.0, 0.0)] * len(boxes)
    left = 0.0
    for start in range(0, len(levels), rows):
        column = [levels[level] for level in range(start, min(start + rows, len(levels)))]
        wide = max(map(len, column))
        for row, numbers in enumerate(column):
            for place, number in enumerate(numbers):
                places[number] = (left + (wide - len(numbers)) / 2 + place, -row * STEP)
        left += wide + GAP
    return places, left, rows


def _draw_box(axes: Any, box: "Box", place: tuple[float, float], colour: str) -> None:
    x, y = place[0] - 0.46 * WIDTH, place[1] - HEIGHT / 2
    for look in ({"facecolor": rcParams["axes.facecolor"]}, {"facecolor": colour, "alpha": 0.3, "edgecolor": colour}):
        axes.add_patch(FancyBboxPatch((x, y), 0.92 * WIDTH, HEIGHT, boxstyle="round,pad=0.01", zorder=2, **look))
    text = "\n".join((label(box.title, 26), label(box.detail, 24)))
    axes.text(*place, text, ha="center", va="center", fontsize=12, zorder=3)


def _draw_arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], levels: int) -> None:
    """Draw an arrow between two boxes: straight to the next level, bent around others, slanted to the next column."""
    bent = 0.0 if levels == 1 or abs(end[0] - start[0]) > 0.01 else -0.35
    first, last = (start[0], start[1] - HEIGHT / 2), (end[0], end[1] + HEIGHT / 2)
    if bent:
        first, last = (start[0] - 0.46, start[1]), (end[0] - 0.46, end[1])
        bent = 0.35
    way = f"arc3,rad={bent}"
    if not bent and end[1] >= start[1]:  # to the next column, through the gap
        first, last = (start[0] + 0.46, start[1]), (end[0] - 0.47, end[1])
        way = "arc,angleA=0,armA=0,angleB=180,armB=20,rad=4"
    look = {"arrowstyle": "-|>", "mutation_scale": 12, "color": rcParams["text.color"], "linewidth": 1}
    axes.add_patch(FancyArrowPatch(first, last, connectionstyle=way, shrinkA=0, shrinkB=0, **look))
