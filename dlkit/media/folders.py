"""Find the image files in folders, and count the files that are passed over."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dlkit.safety.files import files_below

SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".gif", ".bmp", ".webp"})


@dataclass(frozen=True)
class Listing:
    """The files below a folder in order: those with the endings of images, and others."""

    images: list[Path]
    others: list[Path]


def listed(folder: Path, suffixes: Iterable[str] = SUFFIXES) -> Listing:
    """Return the files below a folder without hidden and system files; raise an error for what cannot be read."""
    known = frozenset(suffixes)
    found = files_below(folder)
    images = [path for path in found if path.suffix.lower() in known]
    return Listing(images, [path for path in found if path.suffix.lower() not in known])


def endings(paths: Iterable[Path]) -> str:
    """Return how many files have which ending, such as `8 .tif, 2 .txt`."""
    counts = Counter(path.suffix.lower() or "without ending" for path in paths)
    return ", ".join(f"{count} {ending}" for ending, count in sorted(counts.items()))


def passed_over(folder: Path, others: list[Path], suffixes: Iterable[str] = SUFFIXES) -> list[str]:
    """Return a message about the files below a folder that are not read, none if there are none."""
    if not others:
        return []
    files = "1 file" if len(others) == 1 else f"{len(others):,} files"
    return [f"{files} in {folder} not read: {endings(others)} (read: {', '.join(sorted(suffixes))})"]
