"""Metrics by epoch of several runs in one figure."""

import csv
from collections.abc import Mapping

from matplotlib.figure import Figure

from dlkit.errors import InputError, closest
from dlkit.figures.curves import compared_figure
from dlkit.runs.directory import RunDirectory
from dlkit.safety.files import require_file


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


def history_of(run: RunDirectory) -> dict[str, list[float]]:
    """Return the columns of history.csv; raise InputError for one that is missing or damaged."""
    path = run.path / "history.csv"
    require_file(path)
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        columns = {key: [float(row[key] or "nan") for row in rows] for key in (rows[0] if rows else ())}
    except (ValueError, TypeError, csv.Error) as error:
        raise InputError(f"{path} is damaged: {error}", "restore the file or train again") from error
    return {str(key): values for key, values in columns.items()}
