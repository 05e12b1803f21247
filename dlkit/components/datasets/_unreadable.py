"""Detection of unreadable images in a folder, cached for each state of the files."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dlkit.errors import DlkitError, InputError
from dlkit.files.cache import cached_json
from dlkit.process import SKIP_BAD, whole_number

SHOWN = 10


def unreadable(paths: Sequence[Path], channels: int) -> dict[Path, str]:
    """Return the files that cannot be decoded, each with the reason."""
    stamp = [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
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
        more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise InputError(
            f"{len(bad)} images cannot be read, but at most {bound} may be skipped: "
            f"{', '.join(str(path) for path in bad[:SHOWN])}{more}",
            "remove or replace them (`dlkit data RECIPE` lists all), or allow more with --skip-bad",
        )
    return bad
