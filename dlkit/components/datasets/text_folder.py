"""A folder of text files with one sub-folder per class."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field

from dlkit.components.datasets._split_folders import split_folders, subfolders
from dlkit.components.datasets._texts import Placed, check_classes, text_split, with_test
from dlkit.errors import InputError, MissingError
from dlkit.interfaces.data import ArraySpec, DataPath, Description, Resizer, Split, TextFiles, check_split
from dlkit.media.folders import listed, passed_over
from dlkit.media.text import SUFFIXES, check_encoding, read_whole
from dlkit.safety.files import check_links, missing_folder


@dataclass(frozen=True, kw_only=True)
class TextFolder:
    """Text files in class folders: directory/good/1.txt, or directory/train/good/1.txt with train, validation and test.

    Every .txt file is one text; its lines are joined with spaces. Without split folders, a seeded, stratified fraction
    `test_fraction` is held out as test. `encoding` is that of all files. Empty files and control characters are errors.
    """

    directory: DataPath
    encoding: str = "utf-8"
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def __post_init__(self) -> None:
        check_encoding(self.encoding)

    @cached_property
    def _folders(self) -> dict[str, Path]:
        """The folders of the splits, or the one folder as train."""
        root = Path(self.directory)
        if not root.is_dir():
            raise missing_folder(root, "create one with a sub-folder of .txt files per class")
        return split_folders(root, "<class>/<text>.txt") or {"train": root}

    @cached_property
    def _names(self) -> tuple[str, ...]:
        root = self._folders["train"]
        names = tuple(path.name for path in subfolders(root))
        check_classes(str(root), names, "put the texts of each class in a sub-folder of their own")
        return names

    @cached_property
    def _splits(self) -> dict[str, Split]:
        splits = {name: text_split(self._classes(folder)) for name, folder in self._folders.items()}
        if self._folders["train"] != Path(self.directory):
            return splits
        return with_test(splits["train"], self.test_fraction, self.seed, self._names)

    def _classes(self, folder: Path) -> list[list[Placed]]:
        """Return the texts of every class of a split; train has all classes."""
        unknown = [path.name for path in subfolders(folder) if path.name not in self._names]
        if unknown:
            raise InputError(
                f"{folder} has class folders that train does not have: {', '.join(unknown[:10])}",
                "give the classes the same names in every split, or remove these folders",
            )
        found = [self._texts(folder / name) for name in self._names]
        empty = [name for name, texts in zip(self._names, found, strict=True) if not texts]
        if empty and (folder == self._folders["train"] or len(empty) == len(found)):
            raise MissingError(f"no texts in {folder / empty[0]}", "texts are files that end in .txt")
        return found

    def _texts(self, folder: Path) -> list[Placed]:
        if not folder.is_dir():
            return []
        files = listed(folder, SUFFIXES).images
        check_links(Path(self.directory), files)
        return [(str(path), read_whole(path, self.encoding)) for path in files]

    @property
    def notes(self) -> tuple[str, ...]:
        """Return messages about files of other kinds, which are passed over."""
        others = [path for folder in self._folders.values() for path in listed(folder, SUFFIXES).others]
        return tuple(passed_over(Path(self.directory), others, SUFFIXES))

    def describe(self) -> Description:
        """Return texts as inputs; the classes are the names of the sub-folders in alphabetical order."""
        counts = {name: len(split) for name, split in self._splits.items()}
        text = TextFiles(self.encoding, "file")
        return Description(ArraySpec((), "string"), ArraySpec((), "int64"), self._names, counts, text=text)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return texts (n,) in UTF-8 and labels int64 (n,)."""
        check_split(split, self._splits)
        return self._splits[split]
