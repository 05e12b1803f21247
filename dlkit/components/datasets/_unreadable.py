"""Detection of unreadable images in a folder, cached for each state of the files, and one message for many files."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dlkit.errors import DlkitError, InputError
from dlkit.files.cache import cached_json
from dlkit.process import SKIP_BAD, whole_number

SHOWN = 10
NAMED = 3
_NUMBER = r"(\[[\d, ]*\]|\d+)"
_NUMBERS = re.compile(f"{_NUMBER}((,| and) {_NUMBER})*( more)?")


def unreadable(paths: Sequence[Path], channels: int) -> dict[Path, str]:
    """Return the files that cannot be decoded, each with the reason."""
    stamp = [[str(path), str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    found = cached_json("unreadable", {"files": stamp, "channels": channels}, lambda: _decode_all(paths, channels))
    return {paths[int(index)]: reason for index, reason in found.items()}


def _decode_all(paths: Sequence[Path], channels: int) -> dict[str, str]:
    from dlkit.media.images import read_image

    def problem(path: Path) -> str:
        try:
            read_image(path, channels)
        except DlkitError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor() as pool:
        reasons = list(pool.map(problem, paths))
    return {str(index): reason for index, reason in enumerate(reasons) if reason}


def allowed_unreadable(paths: Sequence[Path], channels: int) -> tuple[Path, ...]:
    """Return the unreadable files, or none if DLKIT_SKIP_BAD is unset; raise InputError if it allows fewer."""
    bound = whole_number(SKIP_BAD) or 0
    if bound == 0:
        return ()
    bad = tuple(unreadable(paths, channels))
    if len(bad) > bound:
        raise InputError(
            f"{len(bad)} images cannot be read, but at most {bound} may be skipped: {named(bad)}",
            "remove or replace them (`dlkit data RECIPE` lists all), or allow more with --skip-bad",
        )
    return bad


def named(paths: Sequence[Path]) -> str:
    """Return the first few paths, and how many more there are."""
    more = f" and {len(paths) - NAMED:,} more" if len(paths) > NAMED else ""
    return ", ".join(str(path) for path in paths[:NAMED]) + more


def grouped(reasons: Mapping[Path, str]) -> str:
    """Return one line for all files whose reasons differ only in numbers and in the file's name, at most SHOWN lines.

    Each reason contains the path of its file.
    """
    groups: dict[str, list[Path]] = {}
    for path, reason in reasons.items():
        groups.setdefault(_kind(path, reason), []).append(path)
    lines = [
        reasons[files[0]] + (f" (and so in {len(files) - 1:,} more: {named(files[1:])})" if len(files) > 1 else "")
        for files in list(groups.values())[:SHOWN]
    ]
    more = [f"and {len(groups) - SHOWN} other kinds of problems"] if len(groups) > SHOWN else []
    return "\n".join(lines + more)


def _kind(path: Path, reason: str) -> str:
    """Return a reason without the file's name and without numbers."""
    plain = reason.replace(str(path), "").replace(f"{path.stem}.", "")
    return _NUMBERS.sub("#", plain)
