"""Create, find, lock and remove run directories, saved_models/<recipe>/<run>/, and access their files."""

import csv
import fcntl
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dlkit.errors import InputError, MissingError, closest
from dlkit.files.atomic import folder_aside, publish, remove_abandoned, write_text
from dlkit.runs.content import check_content
from dlkit.safety.files import check_folder

RESOLVED = "resolved.yaml"
CHECKPOINTS = ("last", "best")


@dataclass(frozen=True)
class RunDirectory:
    """A run's directory: recipe, environment, history, checkpoints, metrics, figures and exports."""

    path: Path

    @property
    def recipe_name(self) -> str:
        """Return the name of the recipe that the run belongs to."""
        return self.path.parent.name

    @property
    def resolved_recipe(self) -> Path:
        """Return the path of the recipe with its overrides applied."""
        return self.path / RESOLVED

    @property
    def resume_command(self) -> str:
        """Return the command that continues the training, whatever recipe file and overrides it started with."""
        return f"dlkit train {self.resolved_recipe} --resume --run {self.path}"

    @property
    def finished(self) -> bool:
        """Return whether training has finished."""
        return (self.path / "metrics.json").exists()

    def checkpoint(self, which: str) -> Path:
        """Return the path of last.keras or best.keras; raise MissingError with a hint when it does not exist."""
        if which not in CHECKPOINTS:
            raise InputError(f"there is no checkpoint {which!r}", closest(which, list(CHECKPOINTS)))
        path = self.path / f"{which}.keras"
        if path.exists():
            return path
        if which == "best" and (self.path / "last.keras").exists():
            raise MissingError(
                f"{self.path} has no best checkpoint: the recipe holds out no validation examples",
                "use --checkpoint last",
            )
        raise MissingError(
            f"{self.path} has no checkpoint yet: its training has not finished",
            f"continue it with: {self.resume_command}",
        )

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the content of a JSON file of the run, empty when it does not exist."""
        try:
            content: dict[str, Any] = json.loads((self.path / name).read_text())
            check_content(name, content)
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.path / name} is damaged: {error}", "restore the file or remove the run") from error
        return content

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file of the run."""
        write_text(self.path / name, json.dumps(content, indent=2) + "\n")

    def write_csv(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows as CSV, with all their keys as header and floats in full precision."""
        header = dict.fromkeys(key for row in rows for key in row)
        lines = [list(header), *([row.get(key, "") for key in header] for row in rows)]
        write_text(self.path / name, "".join(map(_csv_line, lines)))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run for this process and clean up after killed ones; the lock ends with the process."""
        check_folder(self.path)
        try:
            stream = (self.path / ".lock").open("w")
        except OSError as error:
            raise MissingError(
                f"cannot write to {self.path}: {error.strerror}", "copy the run to a folder that you can write to"
            ) from error
        with stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise InputError(f"another process is using {self.path}", "wait for it, or stop it first") from error
            remove_abandoned(self.path)
            yield


def _csv_line(values: list[Any]) -> str:
    """Return one line of CSV; both characters of line ends are quoted, as names of classes may contain them."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerow(values)
    return stream.getvalue()[:-2] + "\n"


def create_run(root: Path, recipe_name: str, fill: Callable[["RunDirectory"], None]) -> RunDirectory:
    """Create a run directory, which becomes visible once `fill` has written its initial files.

    Its name is the time to the second; runs of the same second get a numeric suffix.
    """
    parent = root / recipe_name
    remove_abandoned(parent)
    with folder_aside(parent) as aside:
        fill(RunDirectory(aside))
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
            if publish(aside, parent / f"{stamp}{suffix}"):
                return RunDirectory(parent / f"{stamp}{suffix}")
    raise MissingError(f"{parent} already has 999 runs of this second", "try again")


def list_runs(root: Path) -> list[Path]:
    """Return all runs below the root, oldest first."""
    if root.is_dir():
        os.listdir(root)  # raises an error for an unreadable folder, which glob treats as empty
    return sorted(
        (path.parent for path in root.glob(f"*/[!.]*/{RESOLVED}")), key=lambda run: (run.name, run.parent.name)
    )


def find_run(reference: str | None, root: Path, *, finished: bool | None = None) -> RunDirectory:
    """Return a run, given its directory, a recipe's name (its latest run) or None (the latest of all).

    `finished` restricts the search for the latest run to finished or unfinished runs. Raise MissingError when there is
    none.
    """
    if reference is not None and (Path(reference) / RESOLVED).is_file():
        return RunDirectory(Path(reference))
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
    raise MissingError(
        f"there is no {state}run {reference!r} in {root}", closest(reference, known) if known else "train it first"
    )


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


def find_trained(
    reference: str | None, root: Path, checkpoint: str = "last", *, finished: bool | None = None
) -> RunDirectory:
    """Return a run, as find_run does, with the checkpoint `last` or `best`; raise MissingError with a hint otherwise.

    finished: restricts the search for the latest run of all, used when no reference is given.
    """
    found = find_run(reference, root, finished=finished if reference is None else None)
    found.checkpoint(checkpoint)
    return found


def remove_run(run: RunDirectory, root: Path) -> None:
    """Delete a run with all its files, and its recipe's folder if it was the last run.

    Raise InputError for a folder that is not at the place of a run below `root`, and for a symbolic link.
    """
    inside = run.path.absolute().parent.parent.resolve() == root.resolve()
    if not inside or run.path.is_symlink() or run.path.parent.is_symlink() or run.path.name in ("", ".."):
        raise InputError(
            f"{run.path} is not a run in {root}, so it was not removed",
            "pass --runs-dir with the folder that contains RECIPE/RUN",
        )
    with run.locked():
        shutil.rmtree(run.path)
    if not any(run.path.parent.iterdir()):
        run.path.parent.rmdir()
