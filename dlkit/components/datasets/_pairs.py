"""Pair the images and masks of two folders by name."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from dlkit.components.datasets._masks import SUFFIXES as MASK_SUFFIXES
from dlkit.components.datasets._split_folders import subfolders
from dlkit.errors import InputError, MissingError
from dlkit.media.folders import SUFFIXES, endings, listed, passed_over

Pair = tuple[Path, Path]


@dataclass(frozen=True)
class Pairs:
    """The files of two folders: pairs, files without a partner with what they lack, and messages about other files.

    suffix: what the name of every mask adds to that of its image, if that would pair them all; else empty.
    """

    found: list[Pair]
    alone: dict[Path, str]
    notes: list[str]
    suffix: str

    @property
    def files(self) -> list[Path]:
        """Return all images and masks."""
        return [path for pair in self.found for path in pair] + list(self.alone)


def pairs_in(images: Path, masks: Path, mask_suffix: str) -> Pairs:
    """Return the pairs of images and masks, named alike apart from ending and suffix; raise an error without any."""
    pictures, picture_notes = _named(images, SUFFIXES, "")
    targets, target_notes = _named(masks, MASK_SUFFIXES, mask_suffix)
    alone = {path: f"{path} has no mask" for name, path in pictures.items() if name not in targets}
    alone |= {path: f"{path} has no image" for name, path in targets.items() if name not in pictures}
    found = [(path, targets[name]) for name, path in pictures.items() if name in targets]
    suffixes = {mask.removeprefix(image) for image, mask in zip(sorted(pictures), sorted(targets), strict=False)}
    return Pairs(found, alone, picture_notes + target_notes, suffixes.pop() if len(suffixes) == 1 else "")


def _named(folder: Path, suffixes: Collection[str], ending: str) -> tuple[dict[str, Path], list[str]]:
    """Return the files below a folder by their relative name without ending, and messages about other files."""
    if not folder.is_dir():
        others = [path.name for path in subfolders(folder.parent)] if folder.parent.is_dir() else []
        instead = f"; {folder.parent} has {', '.join(others)}" if others else ""
        raise MissingError(
            f"no such folder: {folder}", f"name the two folders with the settings images and masks{instead}"
        )
    listing = listed(folder, suffixes)
    by_name: dict[str, Path] = {}
    for path in listing.images:
        name = str(path.relative_to(folder).with_suffix("")).removesuffix(ending)
        if name in by_name:
            raise InputError(f"{by_name[name]} and {path} have the same name", "rename or remove one")
        by_name[name] = path
    if not by_name:
        raise _no_files(folder, suffixes, listing.others)
    return by_name, passed_over(folder, listing.others, suffixes)


def _no_files(folder: Path, suffixes: Collection[str], others: list[Path]) -> MissingError:
    instead = f"; it has {endings(others)}" if others else ""
    lossless = "; JPEG changes class indices: save masks as PNG" if suffixes is MASK_SUFFIXES else ""
    return MissingError(
        f"no images in {folder}{instead}", f"supported file types: {', '.join(sorted(suffixes))}{lossless}"
    )
