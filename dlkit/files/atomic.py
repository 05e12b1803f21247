"""Files and folders that are there whole or not at all, whatever stops the program, and nothing left over.

What is being written has a temporary name and a lock that dies with its writer. So a kill leaves the old file, or the
new one, and perhaps a temporary one that the next writer in that folder recognises as abandoned and removes.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlkit.errors import MissingError

PREFIX = ".writing-"


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    write_file(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def write_file(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a temporary file of the same suffix, sync it to disk, then rename it to `path`.

    Raises MissingError, and leaves the old file, when the disk does not take it.
    """
    with _disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=PREFIX, suffix=path.suffix)
        aside = Path(name)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            write(aside)
            _sync(aside)
            aside.chmod(0o644)
            os.replace(aside, path)
            _sync(path.parent)
        finally:
            os.close(descriptor)
            aside.unlink(missing_ok=True)


@contextmanager
def folder_aside(parent: Path) -> Iterator[Path]:
    """A temporary folder below `parent`, to be filled and renamed by publish(); removed if that does not happen."""
    with _disk_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=parent, prefix=PREFIX))
        descriptor = os.open(aside, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        aside.chmod(0o755)
        yield aside
    finally:
        os.close(descriptor)
        shutil.rmtree(aside, ignore_errors=True)


def publish(aside: Path, folder: Path) -> bool:
    """Sync a filled folder to disk and rename it; False when `folder` is there already."""
    with _disk_errors(folder):
        for path in [*aside.rglob("*"), aside]:
            _sync(path)
        try:
            os.rename(aside, folder)
        except OSError:
            if folder.exists():
                return False
            raise
        _sync(folder.parent)
    return True


def remove_abandoned(parent: Path) -> None:
    """Remove temporary files and folders, at any depth, whose writer is gone."""
    for path in sorted(parent.rglob(f"{PREFIX}*")):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError:
            continue  # its writer is at work, or another process was faster
        finally:
            os.close(descriptor)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Failures of the disk become one message with the place and the reason."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "free some space or choose another place" if full else "choose another place, or let its owner permit it"
        raise MissingError(f"cannot write {path}: {error.strerror or error}", hint) from error


def write_figure(path: Path, figure: Any) -> None:
    """Write a matplotlib figure as a PNG file."""
    write_file(path, lambda aside: figure.savefig(aside, dpi=120))
