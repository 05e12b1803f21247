"""Plot the metrics of the folds of a cross-validation, and of their ensemble."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlkit.figures.style import COLOURS, axis_label, house_style, legend


@house_style
def crossval_figure(result: Mapping[str, Any]) -> Figure:
    """Return a figure with one panel per metric: each fold on its held-out part and on test, and the ensemble."""
    folds, ensemble = result["folds"], result["ensemble"] or {}
    names = list(folds[0]["validation"])
    figure = Figure(figsize=(1 + 4 * len(names), 4.5), layout="constrained")
    figure.suptitle(f"{len(folds)} folds")
    for place, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), place + 1)
        for part, marker, colour in (("validation", "o", COLOURS[0]), ("test", "s", COLOURS[1])):
            values = [fold[part][name] for fold in folds if part in fold]
            text = "held-out fold" if part == "validation" else part
            axes.plot(range(len(values)), values, marker, color=colour, label=text)
        if name in ensemble:
            axes.axhline(ensemble[name], color="black", linestyle="--", label="ensemble, test")
        axes.set(xlabel="fold", ylabel=axis_label(name))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid()
    pairs = (pair for axes in figure.axes for pair in zip(*axes.get_legend_handles_labels(), strict=True))
    drawn = {text: handle for handle, text in pairs}
    legend(figure, list(drawn.values()), list(drawn), loc="outside lower center", ncols=3)
    return figure
