"""Draw what networks lose without one of their parts, and the lengths of the paths through residual blocks."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlkit.figures.style import COLOURS, house_style, label


@house_style
def lesion_figure(results: Sequence[Mapping[str, Any]]) -> Figure:
    """Return a figure of the accuracy of several networks without each of their parts, in order."""
    figure = Figure(figsize=(10, 5.5))
    figure.suptitle("Accuracy without one part")
    axes = figure.add_subplot()
    for place, result in enumerate(results):
        colour, name = COLOURS[place % len(COLOURS)], label(result["recipe"])
        places = range(1, len(result["lesions"]) + 1)
        axes.axhline(result["whole"], color=colour, linestyle=":", linewidth=1)
        axes.plot(
            places, [entry["accuracy"] for entry in result["lesions"]], "o-", color=colour, label=f"{name}, as it is"
        )
        again = [entry["reestimated"] for entry in result["lesions"]]
        if None not in again:
            axes.plot(places, again, "s--", color=colour, label=f"{name}, batch statistics estimated again")
    units = " or ".join(dict.fromkeys(result["unit"] for result in results))
    axes.set(xlabel=f"{units} taken out (dotted: the whole network)", ylabel="accuracy", ylim=(0, 1))
    axes.set_xlim(0.5, max(1, *(len(result["lesions"]) for result in results)) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid()
    axes.legend()
    return figure


@house_style
def paths_figure(result: Mapping[str, Any]) -> Figure:
    """Return a figure of the paths through a residual network by length: their number, gradient, and both together."""
    paths = result["paths"]
    lengths = [path["blocks"] for path in paths]
    figure = Figure(figsize=(12, 4.5))
    figure.suptitle(f"Paths through {lengths[-1]} residual blocks")
    gradients = [path["gradient"] for path in paths]
    wide = max(gradients) > 10 * min(gradients) > 0  # else a logarithmic axis makes small differences look large
    panels = (
        ("paths", "number of paths", "linear"),
        ("gradient", "gradient by the input, one path", "log" if wide else "linear"),
        ("total", "all paths of this length", "linear"),
    )
    for place, (key, title, scale) in enumerate(panels):
        axes = figure.add_subplot(1, 3, place + 1)
        axes.bar(lengths, [path[key] for path in paths], color=COLOURS[place])
        axes.set(xlabel="blocks on the path", title=title, yscale=scale)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y")
    return figure
