"""Draw a metric of several runs against the size of their networks."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from dlkit.figures.style import COLOURS, MARKERS, axis_label, house_style, label, legend
from dlkit.formatting import measured


@house_style
def sizes_figure(by: str, metric: str, points: Sequence[tuple[str, int, float]]) -> Figure:
    """Return a figure of points (recipe, size, metric); runs of one recipe have one colour and marker."""
    figure = Figure()
    figure.suptitle(f"{label(metric)} against {by}, {len(points)} run{'s' * (len(points) > 1)}")
    axes = figure.add_subplot()
    handles, texts = [], []
    for place, name in enumerate(dict.fromkeys(name for name, *_ in points)):
        own = [point for point in points if point[0] == name]
        look: dict[str, Any] = {"color": COLOURS[place % 10], "marker": MARKERS[place % 10], "s": 80}
        handles.append(axes.scatter([size for _, size, _ in own], [value for *_, value in own], **look))
        texts.append(f"{label(name)}: {measured(own[-1][2])}")
    if by == "parameters":
        axes.set_xscale("log")
    units = {"parameters": "parameters", "depth": "layers with weights", "width": "most units or filters of a layer"}
    axes.set(xlabel=units[by], ylabel=axis_label(metric))
    axes.grid()
    legend(axes, handles, texts)
    return figure
