"""Metrics by epoch of several runs in one figure."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from dlkit.errors import InputError, closest
from dlkit.figures.curves import compared_figure
from dlkit.runs.directory import RunDirectory
from dlkit.runs.history import history_of


def plot(runs: list[RunDirectory], *, metric: str = "loss") -> Mapping[str, Figure]:
    """A metric by epoch of several runs, train and validation."""
    columns = {f"{run.recipe_name} {run.path.name}": history_of(run) for run in runs}
    known = sorted({name for found in columns.values() for name in found} - {"epoch"})
    shown = {
        run: {key: found[key] for key in (metric, f"val_{metric}") if key in found} for run, found in columns.items()
    }
    if not any(shown.values()):
        raise InputError(f"--metric {metric!r} is not in the history of these runs", closest(metric, known))
    return {f"curves-{metric}": compared_figure(metric, {run: found for run, found in shown.items() if found})}
