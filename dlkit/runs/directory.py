"""Create, lock and remove run directories, saved_models/<recipe>/<run>/, and access their files."""

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
from dlkit.process import command
from dlkit.runs.content import check_content
from dlkit.safety.files import check_folder, require_file

RESOLVED, VOCABULARY = "resolved.yaml", "vocabulary.json"
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
        return command("train", self.resolved_recipe, "--resume", "--run", self.path)

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

    def describe_checkpoint(self, which: str) -> str:
        """Return in words which epoch's weights a checkpoint has, as far as the run recorded it."""
        trained = self.read_json("metrics.json").get("training", {})
        epoch = trained.get("best_epoch" if which == "best" else "epoch")
        other = {"last": "best", "best": "last"}[which]
        more = f" (--checkpoint {other} is there too)" if (self.path / f"{other}.keras").exists() else ""
        return f"checkpoint {which}{'' if epoch is None else f' of epoch {int(epoch)}'}{more}"

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the content of a JSON file of the run, empty when it does not exist."""
        if not (self.path / name).exists():
            return {}
        require_file(self.path / name)
        try:
            content: dict[str, Any] = json.loads((self.path / name).read_text())
            check_content(name, content)
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

    def check_in_place(self) -> None:
        """Raise MissingError when the run was removed or moved while it was in use, before writing half a run anew."""
        if not self.resolved_recipe.is_file():
            raise MissingError(
                f"{self.path} was removed or moved while it was in use",
                "if you moved it, continue there: dlkit train FOLDER/resolved.yaml --resume --run FOLDER",
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run for this process and clean up after killed ones; the lock ends with the process.

        The lock is on the folder itself, because a file of locks could be deleted.
        """
        check_folder(self.path)
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise self._unwritable(error.strerror) from error
        try:
            if not os.access(self.path, os.W_OK):
                raise self._unwritable("it is read-only")
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise InputError(f"another process is using {self.path}", "wait for it, or stop it first") from error
            remove_abandoned(self.path)
            yield
        finally:
            os.close(descriptor)

    def _unwritable(self, reason: str | None) -> MissingError:
        return MissingError(f"cannot write to {self.path}: {reason}", "copy the run to a folder that you can write to")


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
