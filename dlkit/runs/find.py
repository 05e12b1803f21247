"""Find runs by directory, by name or as the latest one, in the order in which they started."""

import json
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dlkit.errors import InputError, MissingError, closest
from dlkit.runs.directory import RESOLVED, RunDirectory
from dlkit.safety.files import check_folder, require_file

STAMP = "%Y%m%d-%H%M%S"


def started(run: Path) -> datetime:
    """Return the time at which a run started, in UTC.

    Runs of older versions did not record it; their names contain it in local time.
    """
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError, InputError):
        require_file(run / "environment.json")
        recorded: str = json.loads((run / "environment.json").read_text())["started"]
        return datetime.fromisoformat(recorded).astimezone(UTC)
    with suppress(ValueError, OSError):
        return datetime.strptime(run.name[:15], STAMP).astimezone(UTC)
    return datetime.fromtimestamp((run / RESOLVED).stat().st_mtime, UTC)


def next_start(root: Path) -> str:
    """Return the start time of a new run, in UTC: now, or just after the latest run where the clock was set back."""
    earlier = [started(path) + timedelta(microseconds=1) for path in list_runs(root)]
    return max([datetime.now(UTC), *earlier]).isoformat()


def list_runs(root: Path) -> list[Path]:
    """Return all runs below the root, in the order in which they started."""
    if root.is_dir():
        os.listdir(root)  # raises an error for an unreadable folder, which glob treats as empty
    found = (path.parent for path in root.glob(f"*/[!.]*/{RESOLVED}"))
    return sorted(found, key=lambda run: (started(run), run.name, run.parent.name))


def find_run(reference: str | None, root: Path, *, finished: bool | None = None) -> RunDirectory:
    """Return a run, given its directory, a recipe's name (its latest run) or None (the latest of all).

    A directory is a path, or RECIPE/RUN below the root. `finished` restricts the search for the latest run to finished
    or unfinished runs. Raise MissingError when there is none, and InputError when the run contains a link out of it, a
    pipe or a device.
    """
    found = _found(reference, root, finished)
    check_folder(found.path)
    return found


def _found(reference: str | None, root: Path, finished: bool | None) -> RunDirectory:
    exact = exact_run(reference, root) if reference is not None else None
    if exact is not None:
        return exact
    runs = [RunDirectory(path) for path in list_runs(root)]
    name = _run_name(reference)
    named = [run for run in runs if name in (None, run.recipe_name, run.path.name)]
    matching = [run for run in named if finished in (None, run.finished)]
    if matching:
        return matching[-1]
    state = {None: "", True: "finished ", False: "unfinished "}[finished]
    if reference is None or named:
        of = f" of {reference!r}" if named and reference else ""
        raise MissingError(f"there is no {state}run{of} in {root}", "start one: dlkit train RECIPE; or pass --runs-dir")
    known = sorted({run.recipe_name for run in runs})
    hint = closest(reference, known) if known else "train it first"
    if Path(reference).is_file():
        there = f"; there are runs of {', '.join(known)}" if known else ""
        hint = f"train it first: dlkit train {reference}{there}"
    raise MissingError(f"there is no {state}run {reference!r} in {root}", hint)


def exact_run(reference: str, root: Path) -> RunDirectory | None:
    """Return the run whose directory is given, as a path or as RECIPE/RUN below the root, or None."""
    places = [Path(reference)] + ([root / reference] if len(Path(reference).parts) == 2 else [])
    return next((RunDirectory(place) for place in places if (place / RESOLVED).is_file()), None)


def find_named(reference: str, root: Path) -> RunDirectory:
    """Return the one run that a reference names exactly: a directory, RECIPE/RUN, or the name of a run.

    Raise InputError for a recipe's name and for a name that several runs have, and MissingError when there is none.
    """
    exact = exact_run(reference, root)
    if exact is not None:
        return exact
    name, runs = _run_name(reference), list_runs(root)
    found = [path for path in runs if path.name == name]
    if len(found) == 1:
        return RunDirectory(found[0])
    several = found or [path for path in runs if path.parent.name == name]
    if not several:
        find_run(reference, root)  # raises the error for an unknown name
    listed = ", ".join(str(path.relative_to(root)) for path in several)
    raise InputError(f"{reference!r} does not name one run", f"give its exact name: {listed}")


def _run_name(reference: str | None) -> str | None:
    """Return the name of the recipe or run that a reference names; raise MissingError for a path without a run.

    The file of a recipe, in any folder, is a reference to the recipe's name.
    """
    if reference is None:
        return None
    path = Path(reference)
    if path.suffix in (".yaml", ".yml"):
        return path.stem
    if path.name != reference.rstrip("/"):
        raise MissingError(f"there is no run at {reference}", "give a run directory or a recipe name")
    return path.name


def find_trained(reference: str | None, root: Path, checkpoint: str = "last") -> RunDirectory:
    """Return the latest finished run, otherwise as find_run does, with the checkpoint `last` or `best`.

    Raise MissingError with a hint when the run has no such checkpoint, as an unfinished one.
    """
    try:
        found = find_run(reference, root, finished=True)
    except MissingError:
        found = find_run(reference, root)
    found.checkpoint(checkpoint)
    return found


def passed_over(run: RunDirectory, reference: str | None, root: Path) -> str | None:
    """Return a note if the latest run of a reference is unfinished, and so the run found for it is an earlier one."""
    latest = find_run(reference, root)
    if latest.path == run.path or latest.finished:
        return None
    return f"using {run.path}, the latest finished run; a newer one is unfinished: {latest.resume_command}"
