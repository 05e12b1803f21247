"""A folder of images with one sub-folder per class."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from dlkit.components.datasets._split_folders import split_folders, subfolders
from dlkit.components.datasets._unreadable import allowed_unreadable, grouped, unreadable
from dlkit.errors import DlkitError, InputError, MissingError
from dlkit.files.cache import cached_arrays, new_array
from dlkit.interfaces.data import ArraySpec, DataPath, Description, Resizer, Split, check_split, seeded_split
from dlkit.media.folders import SUFFIXES, Listing, listed, passed_over
from dlkit.safety.files import MAX_CLASSES, check_links, is_litter, missing_folder

Files = tuple[list[Path], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """Images in class folders: directory/cats/1.jpg, or directory/train/cats/1.jpg with train, validation and test.

    Other usual names of split folders are known too, such as Training, val and seg_test. Without split folders, a
    seeded, stratified fraction `test_fraction` is held out as test. `classes`, the number of class folders, allows a
    summary before the images exist; once they do, it must match. Images are JPEG, PNG, GIF (first frame), BMP and WebP
    of 8 bits per channel, as a viewer shows them: upright, and on white where they are transparent. Hidden and system
    files are passed over; files of other kinds are counted in a message.
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
            raise missing_folder(
                root,
                "create one with a sub-folder of images per class, or give its path: "
                "--set data.source.image_folder.directory=PATH",
            )
        return split_folders(root, "<class>/<image>")

    @cached_property
    def _class_names(self) -> tuple[str, ...]:
        root = self._split_folders.get("train", Path(self.directory))
        folders = subfolders(root)
        names = tuple(path.name for path in folders)
        if len(names) < 2:
            text = f"{root} has {len(names)} class folder{'s' * (not names)}"
            inner = [path.name for path in subfolders(folders[0])] if folders else []
            nested = f"; did you mean {folders[0]}, which has {', '.join(inner[:10])}?" if len(inner) > 1 else ""
            raise InputError(text + nested, "put the images of each class in its own sub-folder")
        if self.classes not in (None, len(names)):
            raise InputError(
                f"{root} has {len(names)} class folders, but the recipe says {self.classes}: {', '.join(names)}",
                f"set data.source.image_folder.classes to {len(names)}, and change or remove the counts under expect",
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

    @cached_property
    def _found(self) -> dict[Path, Listing]:
        """All files in the class folders of every split, including unreadable ones."""
        folders = [folder / name for folder in self._roots for name in self._class_names]
        found = {folder: listed(folder) for folder in folders if folder.is_dir()}
        check_links(Path(self.directory), [path for listing in found.values() for path in listing.images])
        return found

    @property
    def _roots(self) -> list[Path]:
        """Return the folders that contain class folders."""
        return list(self._split_folders.values()) or [Path(self.directory)]

    def _listed(self, folder: Path) -> Files:
        """Return the images of a split and their classes; train has all classes, another split may lack some."""
        unknown = [path.name for path in subfolders(folder) if path.name not in self._class_names]
        if unknown:
            raise InputError(
                f"{folder} has class folders that train does not have: {', '.join(unknown[:10])}",
                "give the classes the same names in every split, or remove these folders",
            )
        paths: list[Path] = []
        labels: list[int] = []
        bad = set(self.left_out)
        for index, name in enumerate(self._class_names):
            here = [path for path in self._found.get(folder / name, Listing([], [])).images if path not in bad]
            if not here and folder == self._roots[0]:
                raise self._no_images(folder / name)
            paths += here
            labels += [index] * len(here)
        if not paths:
            raise self._no_images(folder)
        return paths, np.asarray(labels, np.int64)

    def _no_images(self, folder: Path) -> DlkitError:
        """Return the error for a folder without images, or with unreadable ones only."""
        bad = {path: reason for path, reason in self._unreadable.items() if path.is_relative_to(folder)}
        if bad:
            return InputError(f"no readable images in {folder}:\n{grouped(bad)}", "remove or replace the files")
        others = [path for part, found in self._found.items() if part.is_relative_to(folder) for path in found.others]
        instead = "".join(f"; {text}" for text in passed_over(folder, others))
        return MissingError(f"no images in {folder}{instead}", f"supported file types: {', '.join(sorted(SUFFIXES))}")

    @property
    def image_files(self) -> list[Path]:
        """Return all image files in the class folders of every split."""
        return sorted(path for listing in self._found.values() for path in listing.images)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Return messages about files that are passed over: other kinds, and images outside of the class folders."""
        others = [path for listing in self._found.values() for path in listing.others]
        loose = [
            path
            for folder in {Path(self.directory), *self._roots}
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in SUFFIXES and path.is_file() and not is_litter(path.name)
        ]
        outside = f"not read: {len(loose):,} images outside of the class folders, such as {loose[0]}" if loose else ""
        return (*passed_over(Path(self.directory), others), *([outside] if outside else []))

    @cached_property
    def left_out(self) -> tuple[Path, ...]:
        """Return the unreadable images that are skipped, as DLKIT_SKIP_BAD allows."""
        return allowed_unreadable(self.image_files, self.channels)

    @property
    def _unreadable(self) -> dict[Path, str]:
        """Return the reasons for files that are left out."""
        return unreadable(self.image_files, self.channels) if self.left_out else {}

    def describe(self) -> Description:
        """Return the description; classes are the sub-folder names in alphabetical order, image sizes are not fixed."""
        inputs, targets = ArraySpec((None, None, self.channels), "uint8"), ArraySpec((), "int64")
        if self.classes is not None and not Path(self.directory).is_dir():
            return Description(inputs, targets, tuple(str(index) for index in range(self.classes)), unnamed=True)
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
