"""saved_models/<recipe>/<run>/: where every file of a run lies, and how it is written so that none is ever half there."""

import csv
import fcntl
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dlkit.errors import InputError, MissingError, closest

RESOLVED = "resolved.yaml"


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
    def finished(self) -> bool:
        """Whether training came to its end."""
        return (self.path / "metrics.json").exists()

    def checkpoint(self, which: str) -> Path:
        """The path of last.keras or best.keras; MissingError says what to do when it is not there."""
        path = self.path / f"{which}.keras"
        if path.exists():
            return path
        if which == "best" and (self.path / "last.keras").exists():
            raise MissingError(
                f"{self.path} has no best checkpoint: the recipe holds out no validation examples", "use --checkpoint last"
            )
        raise MissingError(
            f"{self.path} has no checkpoint yet: its training has not finished",
            f"go on with: dlkit train {self.recipe_name} --resume --run {self.path}",
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
        """Write rows with the first row's keys as header, floats in full precision."""
        stream = io.StringIO()
        writer = csv.DictWriter(stream, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.path / name, stream.getvalue())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process alone; the lock dies with its owner."""
        with (self.path / ".lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise InputError(f"another process is training {self.path}", "wait for it, or stop it first") from error
            yield


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    write_aside(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def write_aside(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a temporary file of the same suffix, sync it to disk and rename it to `path`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=path.suffix)
    except OSError as error:
        raise MissingError(f"cannot write {path}: {error.strerror}", "free or choose another place: --runs-dir") from error
    os.close(descriptor)
    aside = Path(name)
    try:
        write(aside)
        _sync(aside)
        aside.chmod(0o644)
        os.replace(aside, path)
        _sync(path.parent)
    except OSError as error:
        raise MissingError(f"cannot write {path}: {error.strerror or error}", "free or choose another place") from error
    finally:
        aside.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def runs_root(option: Path | None = None) -> Path:
    """--runs-dir, else DLKIT_RUNS, else ./saved_models."""
    return option or Path(os.environ.get("DLKIT_RUNS") or "saved_models")


def create_run(root: Path, recipe_name: str) -> RunDirectory:
    """A new run directory, named by the time to the second; a number tells runs of one second apart."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
        path = root / recipe_name / f"{stamp}{suffix}"
        try:
            path.mkdir(parents=True)
        except FileExistsError as error:
            if not path.is_dir():
                raise MissingError(f"cannot create {path}: {error.strerror}", "choose another --runs-dir") from error
        except OSError as error:
            raise MissingError(f"cannot create {path}: {error.strerror}", "choose another --runs-dir") from error
        else:
            return RunDirectory(path)
    raise MissingError(f"{root / recipe_name} has a thousand runs of this second", "try again")


def list_runs(root: Path) -> list[Path]:
    """All runs below the root, oldest first."""
    return sorted((path.parent for path in root.glob(f"*/*/{RESOLVED}")), key=lambda run: (run.name, run.parent.name))


def find_run(reference: str | None, root: Path, *, finished: bool | None = None) -> RunDirectory:
    """A run by its directory, a recipe's name (its latest run) or None (the latest of all).

    `finished` narrows "latest" to finished or unfinished runs. MissingError when there is none.
    """
    if reference is not None and (Path(reference) / RESOLVED).is_file():
        return RunDirectory(Path(reference))
    runs = [RunDirectory(path) for path in list_runs(root)]
    name = Path(reference).stem if reference is not None else None
    named = [run for run in runs if name in (None, run.recipe_name, run.path.name)]
    matching = [run for run in named if finished in (None, run.finished)]
    if matching:
        return matching[-1]
    state = {None: "", True: "finished ", False: "unfinished "}[finished]
    if reference is None or named:
        raise MissingError(f"there is no {state}run in {root}", "start one: dlkit train RECIPE; or give --runs-dir")
    known = sorted({run.recipe_name for run in runs})
    raise MissingError(f"no {state}run {reference!r} in {root}", closest(reference, known) if known else "train it first")


def remove_run(run: RunDirectory) -> None:
    """Delete a run with all its files, and its recipe's folder when it was the last one there."""
    with run.locked():
        shutil.rmtree(run.path)
    if not any(run.path.parent.iterdir()):
        run.path.parent.rmdir()
