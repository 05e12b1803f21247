"""A metric of several runs against the size of their networks."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from dlkit.errors import InputError, closest
from dlkit.figures.sizes import sizes_figure
from dlkit.runs.directory import RunDirectory

SIZES = ("parameters", "depth", "width")


def plot(runs: list[RunDirectory], *, metric: str = "val_accuracy", by: str = "parameters") -> Mapping[str, Figure]:
    """A metric of the last epoch of several runs against parameters, depth or width of their networks."""
    if by not in SIZES:
        raise InputError(f"unknown --by {by!r}", closest(by, list(SIZES)))
    points = [(run.recipe_name, size_of(run)[by], _metric(run, metric)) for run in runs]
    return {f"sizes-{by}-{metric}": sizes_figure(by, metric, points)}


def size_of(run: RunDirectory) -> dict[str, int]:
    """Return the number of parameters, of layers with kernels (depth), and the most outputs of one of them (width)."""
    from dlkit.model.summary import summarise
    from dlkit.recipe import load_recipe

    found = summarise(load_recipe(run.resolved_recipe), run)
    kernels = [row for row in found["layers"] if row["parameters"] and "Normalization" not in row["layer"]]
    widths = [row["output_shape"][-1] or 0 for row in kernels]
    return {"parameters": found["parameters"]["total"], "depth": len(kernels), "width": max(widths, default=0)}


def _metric(run: RunDirectory, metric: str) -> float:
    measured = run.read_json("metrics.json").get("training", {}).get("metrics", {})
    if metric not in measured:
        raise InputError(f"{run.path} has no metric {metric!r}", closest(metric, sorted(measured)))
    return float(measured[metric])
