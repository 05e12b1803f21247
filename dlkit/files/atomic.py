"""Write files and folders atomically: complete or not at all, even if the program is killed, and without leftovers.

A file being written has a temporary name and a lock that ends with its writer. A kill therefore leaves either the old
or the new file, and perhaps a temporary file, which the next writer in that folder recognises as abandoned and removes.
"""

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlkit.errors import MissingError

PREFIX = ".writing-"
BEGUN_SECONDS = 60  # the maximum time between creating a temporary file and locking it


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8."""
    write_file(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def write_file(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a temporary file with the same suffix, sync it to disk, then rename it to `path`.

    Raise MissingError and keep the old file when writing to disk fails.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_own_prefix(), suffix=path.suffix)
        aside = Path(name)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            write(aside)
            _sync(aside)
            aside.chmod(0o666 & ~_umask())
            os.replace(aside, path)
            _sync(path.parent)
        finally:
            os.close(descriptor)
            aside.unlink(missing_ok=True)


@contextmanager
def folder_aside(parent: Path) -> Iterator[Path]:
    """Yield a temporary folder below `parent` to fill and rename with publish(); remove it if it was not renamed."""
    with disk_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=parent, prefix=_own_prefix()))
        descriptor = os.open(aside, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        aside.chmod(0o777 & ~_umask())
        yield aside
    finally:
        os.close(descriptor)
        shutil.rmtree(aside, ignore_errors=True)


def _umask() -> int:
    """Return this process's umask; the temporary files of `tempfile` ignore it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def publish(aside: Path, folder: Path) -> bool:
    """Sync a filled folder to disk and rename it; return False when `folder` already exists."""
    with disk_errors(folder):
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
    """Remove temporary files and folders, at any depth, whose writer has ended."""
    for path in _temporary(parent):
        try:
            if _just_begun(path):
                continue
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError:
            continue  # its writer is still running, or another process was faster
        finally:
            os.close(descriptor)


def _temporary(parent: Path) -> Iterator[Path]:
    """Yield temporary files and folders, but not their contents; paths that vanish meanwhile are skipped."""
    for here, folders, files in os.walk(parent):
        yield from (Path(here, name) for name in (*folders, *files) if name.startswith(PREFIX))
        folders[:] = [name for name in folders if not name.startswith(PREFIX)]


def _own_prefix() -> str:
    """Return the prefix of temporary names of this process."""
    return f"{PREFIX}{os.getpid()}-"


def _just_begun(path: Path) -> bool:
    """Return whether a temporary path is so new that its writer, still running, may not have locked it yet."""
    import psutil

    number = path.name.removeprefix(PREFIX).partition("-")[0]
    return number.isdecimal() and psutil.pid_exists(int(number)) and time.time() - path.stat().st_mtime < BEGUN_SECONDS


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Convert disk errors to a MissingError with the path and the reason."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "free some disk space, or choose" if full else "change the permissions, or choose"
        raise MissingError(f"cannot write {path}: {error.strerror or error}", f"{hint} another location") from error
