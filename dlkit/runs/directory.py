"""saved_models/<recipe>/<run>/: where every file of a run lies, and how runs are found."""

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
from dlkit.safety.files import check_folder

RESOLVED = "resolved.yaml"
CHECKPOINTS = ("last", "best")


@dataclass(frozen=True)
class RunDirectory:
    """One run: the recipe, what it ran on, its history, checkpoints, metrics, figures and exports."""

    path: Path

    @property
    def recipe_name(self) -> str:
        """The recipe that the run belongs to."""
        return self.path.parent.name

    @property
    def resolved_recipe(self) -> Path:
        """The recipe with its overrides applied."""
        return self.path / RESOLVED

    @property
    def resume_command(self) -> str:
        """The command that goes on with the training, whatever recipe file and overrides it began with."""
        return f"dlkit train {self.resolved_recipe} --resume --run {self.path}"

    @property
    def finished(self) -> bool:
        """Whether training came to its end."""
        return (self.path / "metrics.json").exists()

    def checkpoint(self, which: str) -> Path:
        """The path of last.keras or best.keras; MissingError says what to do when it is not there."""
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
            f"go on with: {self.resume_command}",
        )

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON file of the run; empty when it is not there."""
        try:
            content: dict[str, Any] = json.loads((self.path / name).read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise InputError(f"{self.path / name} is damaged: {error}", "restore the file or remove the run") from error
        return content

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file of the run."""
        write_text(self.path / name, json.dumps(content, indent=2) + "\n")

    def write_csv(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows with all their keys as header, floats in full precision."""
        stream = io.StringIO()
        header = dict.fromkeys(key for row in rows for key in row)
        writer = csv.DictWriter(stream, list(header), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.path / name, stream.getvalue())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process alone, and tidy up after one that was killed; the lock dies with its owner."""
        check_folder(self.path)
        try:
            stream = (self.path / ".lock").open("w")
        except OSError as error:
            raise MissingError(
                f"cannot write to {self.path}: {error.strerror}", "copy the run to a place of your own"
            ) from error
        with stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise InputError(
                    f"another process is at work on {self.path}", "wait for it, or stop it first"
                ) from error
            remove_abandoned(self.path)
            yield


def create_run(root: Path, recipe_name: str, fill: Callable[["RunDirectory"], None]) -> RunDirectory:
    """A new run directory that appears once `fill` has written what a run begins with.

    It is named by the time to the second; a number tells runs of one second apart.
    """
    parent = root / recipe_name
    remove_abandoned(parent)
    with folder_aside(parent) as aside:
        fill(RunDirectory(aside))
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
            if publish(aside, parent / f"{stamp}{suffix}"):
                return RunDirectory(parent / f"{stamp}{suffix}")
    raise MissingError(f"{parent} has a thousand runs of this second", "try again")


def list_runs(root: Path) -> list[Path]:
    """All runs below the root, oldest first."""
    if root.is_dir():
        os.listdir(root)  # refuses a folder that may not be read, which glob takes for an empty one
    return sorted(
        (path.parent for path in root.glob(f"*/[!.]*/{RESOLVED}")), key=lambda run: (run.name, run.parent.name)
    )


def find_run(reference: str | None, root: Path, *, finished: bool | None = None) -> RunDirectory:
    """A run by its directory, a recipe's name (its latest run) or None (the latest of all).

    `finished` narrows "latest" to finished or unfinished runs. MissingError when there is none.
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
        raise MissingError(f"there is no {state}run{of} in {root}", "start one: dlkit train RECIPE; or give --runs-dir")
    known = sorted({run.recipe_name for run in runs})
    raise MissingError(
        f"no {state}run {reference!r} in {root}", closest(reference, known) if known else "train it first"
    )


def _run_name(reference: str | None) -> str | None:
    """Return what a reference names: a recipe or a run; MissingError for a path at which there is no run.

    A recipe's file stands for its name, wherever it lies.
    """
    if reference is None:
        return None
    path = Path(reference)
    if path.suffix in (".yaml", ".yml"):
        return path.stem
    if path.name != reference.rstrip("/"):
        raise MissingError(f"there is no run at {reference}", "give a run directory, or a recipe's name")
    return path.name


def find_trained(
    reference: str | None, root: Path, checkpoint: str = "last", *, finished: bool | None = None
) -> RunDirectory:
    """Return a run, see find_run, that has the checkpoint `last` or `best`; MissingError says what to do if not.

    finished: narrows the latest run of all, where no reference is given.
    """
    found = find_run(reference, root, finished=finished if reference is None else None)
    found.checkpoint(checkpoint)
    return found


def remove_run(run: RunDirectory, root: Path) -> None:
    """Delete a run with all its files, and its recipe's folder when it was the last one there.

    Raises InputError for a folder that is not where runs below `root` are, and for a link to one.
    """
    inside = run.path.absolute().parent.parent.resolve() == root.resolve()
    if not inside or run.path.is_symlink() or run.path.parent.is_symlink() or run.path.name in ("", ".."):
        raise InputError(
            f"{run.path} is not a run of {root}, so it is not removed",
            "give --runs-dir: the folder that has RECIPE/RUN in it",
        )
    with run.locked():
        shutil.rmtree(run.path)
    if not any(run.path.parent.iterdir()):
        run.path.parent.rmdir()
