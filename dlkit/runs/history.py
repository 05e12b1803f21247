"""Read a run's history.csv as columns of numbers."""

import csv

from dlkit.errors import InputError
from dlkit.runs.directory import RunDirectory
from dlkit.safety.files import require_file


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


def history_so_far(run: RunDirectory) -> dict[str, list[float]]:
    """Return the columns of history.csv; empty before the end of the first epoch."""
    return history_of(run) if (run.path / "history.csv").exists() else {}
