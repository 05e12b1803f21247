"""Text files with one text per line, one file per class."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field

from dlkit.components.datasets._texts import check_classes, text_split, with_test
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, DataPath, Description, Resizer, Split, TextFiles, check_split
from dlkit.media.text import check_encoding, read_lines


@dataclass(frozen=True, kw_only=True)
class TextLines:
    """Text files with one text per line and one file per class, such as files: {bad: reviews.neg, good: reviews.pos}.

    The names of `files`, in this order, are the classes, and the files are in `directory`. `test_files` are those of
    the test split; without them, a seeded, stratified fraction `test_fraction` is held out. `encoding` is that of all
    files, for example cp1252. Lines end in LF or CRLF; empty lines and control characters except tabs are errors.
    """

    directory: DataPath
    files: dict[str, str]
    test_files: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def __post_init__(self) -> None:
        check_encoding(self.encoding)
        check_classes("text_lines", list(self.files), "files: {bad: reviews.neg, good: reviews.pos}")
        if self.test_files and set(self.test_files) != set(self.files):
            raise InputError(
                f"test_files has the classes {', '.join(self.test_files)}, but files has {', '.join(self.files)}",
                "name one file per class in both",
            )

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.files)

    @cached_property
    def _splits(self) -> dict[str, Split]:
        train = self._read(self.files)
        if self.test_files:
            return {"train": train, "test": self._read(self.test_files)}
        return with_test(train, self.test_fraction, self.seed, self._names)

    def _read(self, files: dict[str, str]) -> Split:
        folder = Path(self.directory)
        return text_split([read_lines(folder / files[name], self.encoding) for name in self._names])

    def check_present(self) -> None:
        """Raise MissingError or InputError unless the files can be read."""
        _ = self._splits

    def describe(self) -> Description:
        """Return texts as inputs; the classes are the names of the files, so that a summary needs no files."""
        there = Path(self.directory).is_dir()
        counts = {name: len(split) for name, split in self._splits.items()} if there else {}
        text = TextFiles(self.encoding, "line")
        return Description(ArraySpec((), "string"), ArraySpec((), "int64"), self._names, counts, text=text)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return texts (n,) in UTF-8 and labels int64 (n,)."""
        check_split(split, self._splits)
        return self._splits[split]
