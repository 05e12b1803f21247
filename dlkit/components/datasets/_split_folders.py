"""Find the folders of train, validation and test in a folder, under the names that are usual for them."""

import re
from collections.abc import Iterable
from pathlib import Path

from dlkit.errors import InputError, MissingError
from dlkit.media.folders import SUFFIXES, listed
from dlkit.safety.files import denied, is_litter

WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
_FILLERS = {"set", "data", "dataset", "images", "imgs", "seg", "split"}
_SPLITS = {word: split for split, words in WORDS.items() for word in words}


def split_of(name: str) -> str | None:
    """Return the split that a folder's name means: `Train`, `seg_train`, `training_set` and `train2017` are train."""
    words = [word for word in re.findall(r"[a-z]+", name.casefold()) if word not in _FILLERS]
    return _SPLITS.get(words[0]) if len(words) == 1 else None


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder in order, without hidden and system folders."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not is_litter(path.name))
    except OSError as error:
        raise denied(error) from error


def split_folders(root: Path, wanted: str, suffixes: Iterable[str] = SUFFIXES) -> dict[str, Path]:
    """Return the folders of the splits, none if `root` has no folder that is named after one.

    Raise an error for two folders of one split, for other folders of examples beside them, and without train. `wanted`
    says what a train folder contains, such as <class>/<image>; suffixes: those of examples. Train comes first.
    """
    folders = subfolders(root)
    named = [(split, path) for path in folders if (split := split_of(path.name))]
    found: dict[str, Path] = {}
    for split, path in named:
        if split in found:
            raise InputError(
                f"{root} has two folders for {split}: {found[split].name} and {path.name}", "remove or rename one"
            )
        found[split] = path
    if not found:
        return {}
    names = ", ".join(path.name for path in found.values())
    others = [path.name for path in folders if path not in found.values() and listed(path, suffixes).images]
    if others:
        raise InputError(
            f"{root} has {names}, named after splits, and beside them {', '.join(others[:10])}",
            "keep only train, validation and test there; rename a class that is named after a split",
        )
    if "train" not in found:
        raise MissingError(f"{root} has {names} but no train folder", f"add train/{wanted} files")
    return {split: found[split] for split in WORDS if split in found}
