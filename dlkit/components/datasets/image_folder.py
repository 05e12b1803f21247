"""A folder of images with one sub-folder per class."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from dlkit.components.datasets._unreadable import allowed_unreadable
from dlkit.errors import InputError, MissingError
from dlkit.files.cache import cached_arrays, new_array
from dlkit.interfaces.data import ArraySpec, DataPath, Description, Resizer, Split, check_split, seeded_split
from dlkit.safety.files import MAX_CLASSES, check_links, files_below

SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp"}
SPLIT_NAMES = {"train": "train", "validation": "validation", "valid": "validation", "val": "validation", "test": "test"}

Files = tuple[list[Path], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """Images in class folders: directory/cats/1.jpg, or directory/train/cats/1.jpg with train, validation and test.

    Without split folders, a seeded, stratified fraction `test_fraction` is held out as test. `classes`, the number of
    class folders, allows a summary before the images exist; once they do, it must match.
    """

    directory: DataPath
    channels: Literal[1, 3] = 3
    classes: Annotated[int, Field(ge=2)] | None = None
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def __post_init__(self) -> None:
        if (self.classes or 0) > MAX_CLASSES:
            raise InputError(f"{self.classes:,} classes are declared", f"at most {MAX_CLASSES:,} are allowed")

    @cached_property
    def _split_folders(self) -> dict[str, Path]:
        root = Path(self.directory)
        if not root.is_dir():
            raise MissingError(
                f"no such folder: {root}",
                "create one with a sub-folder of images per class, or give its path: "
                "--set data.source.image_folder.directory=PATH",
            )
        found = {
            SPLIT_NAMES[path.name]: path
            for path in sorted(root.iterdir())
            if path.name in SPLIT_NAMES and path.is_dir()
        }
        if found and "train" not in found:
            raise MissingError(f"{root} has {', '.join(found)} but no train folder", "add train/<class>/<image> files")
        return found

    @cached_property
    def _class_names(self) -> tuple[str, ...]:
        root = self._split_folders.get("train", Path(self.directory))
        names = tuple(sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")))
        if len(names) < 2:
            raise InputError(
                f"{root} has {len(names)} class folders", "put the images of each class in its own sub-folder"
            )
        if self.classes not in (None, len(names)):
            raise InputError(
                f"{root} has {len(names)} class folders, but the recipe says {self.classes}: {', '.join(names)}",
                f"set data.source.image_folder.classes and the last layer's units to {len(names)}",
            )
        return names

    @cached_property
    def _files(self) -> dict[str, Files]:
        if self._split_folders:
            return {split: self._listed(folder) for split, folder in self._split_folders.items()}
        paths, labels = self._listed(Path(self.directory))
        if self.test_fraction == 0:
            return {"train": (paths, labels)}
        kept, held = seeded_split(labels, self.test_fraction, self.seed, stratify=True)
        return {name: ([paths[i] for i in part], labels[part]) for name, part in (("train", kept), ("test", held))}

    def _listed(self, folder: Path) -> Files:
        unknown = sorted(
            p.name for p in folder.iterdir() if p.is_dir() and p.name not in self._class_names and p.name[0] != "."
        )
        if unknown:
            raise InputError(f"{folder} has class folders that train does not have: {', '.join(unknown)}")
        paths: list[Path] = []
        labels: list[int] = []
        bad = set(self.left_out)
        for index, name in enumerate(self._class_names):
            here = [path for path in images_below(folder / name) if path not in bad]
            if not here:
                raise MissingError(
                    f"no images in {folder / name}", f"supported file types: {', '.join(sorted(SUFFIXES))}"
                )
            paths += here
            labels += [index] * len(here)
        check_links(Path(self.directory), paths)
        return paths, np.asarray(labels, np.int64)

    @property
    def image_files(self) -> list[Path]:
        """Return all image files in the split folders, or in the directory if there are none."""
        roots = list(self._split_folders.values()) or [Path(self.directory)]
        paths = sorted(path for root in roots for path in images_below(root))
        check_links(Path(self.directory), paths)
        return paths

    @cached_property
    def left_out(self) -> tuple[Path, ...]:
        """Return the unreadable images that are skipped, as DLKIT_SKIP_BAD allows."""
        return allowed_unreadable(self.image_files, self.channels)

    def describe(self) -> Description:
        """Return the description; classes are the sub-folder names in alphabetical order, image sizes are not fixed."""
        inputs, targets = ArraySpec((None, None, self.channels), "uint8"), ArraySpec((), "int64")
        if self.classes is not None and not Path(self.directory).is_dir():
            return Description(inputs, targets, tuple(str(index) for index in range(self.classes)))
        splits = {name: len(paths) for name, (paths, _) in self._files.items()}
        return Description(inputs, targets, self._class_names, splits)

    def check_present(self) -> None:
        """Raise MissingError or InputError unless the folders of images exist."""
        _ = self._files

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return images uint8 (n, height, width, channels), decoded and resized once and cached; labels int64 (n,)."""
        check_split(split, self._files)
        if resize is None:
            raise InputError("images in folders have different sizes", "add data.resize: {height: 64, width: 64}")
        paths, labels = self._files[split]
        stamp = [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
        key = {"files": stamp, "resize": resize.key, "channels": self.channels}
        arrays = cached_arrays(key, lambda aside: self._decode(paths, resize, aside))
        return Split(arrays["inputs"], labels, names=np.array([str(path) for path in paths]))

    def _decode(self, paths: list[Path], resize: Resizer, aside: Path) -> None:
        from dlkit.media.images import read_image

        first = read_image(paths[0], self.channels, resize)
        out = new_array(aside / "inputs.npy", np.uint8, (len(paths), *first.shape))

        def decode_one(index: int) -> None:
            out[index] = read_image(paths[index], self.channels, resize)

        with ThreadPoolExecutor() as pool:
            for _ in pool.map(decode_one, range(len(paths))):
                pass
        out.flush()


def images_below(folder: Path) -> list[Path]:
    """Return the sorted image files below a folder; raise MissingError if part of it cannot be read."""
    return [path for path in files_below(folder) if path.suffix.lower() in SUFFIXES]
