"""A CSV file with a header line: numeric columns as inputs, one column as the target."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from dlkit.errors import InputError, MissingError, closest
from dlkit.interfaces.data import ArraySpec, Description, Resizer, Split, check_split, seeded_split
from dlkit.safety.files import require_file


@dataclass(frozen=True, kw_only=True)
class Csv:
    """A CSV file with a header: numeric columns are inputs; the target column contains class names or values."""

    file: str
    target: str
    features: list[str] = field(default_factory=list)
    kind: Literal["classes", "values"] = "classes"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    test_file: str | None = None
    test_fraction: Annotated[float, Field(gt=0, lt=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def __post_init__(self) -> None:
        if self.test_file is not None and self.test_fraction is not None:
            raise InputError("csv takes test_file or test_fraction, not both")

    @cached_property
    def _names(self) -> tuple[str, ...]:
        if self.kind == "values":
            return ()
        return tuple(sorted({row[self.target] for row in self._rows(self.file)}))

    @cached_property
    def _splits(self) -> dict[str, Split]:
        train = self._split(self.file)
        if self.test_file is not None:
            return {"train": train, "test": self._split(self.test_file)}
        if self.test_fraction is None:
            return {"train": train}
        kept, held = seeded_split(train.targets, self.test_fraction, self.seed, stratify=self.kind == "classes")
        return {"train": train.select(kept), "test": train.select(held)}

    def describe(self) -> Description:
        """Return one input per feature column; classes are the sorted names found in the target column."""
        splits = self._splits
        inputs = ArraySpec((splits["train"].inputs.shape[1],), "float64")
        targets = ArraySpec((), "int64") if self._names else ArraySpec((1,), "float64")
        sizes = {name: len(split) for name, split in splits.items()}
        return Description(inputs, targets, self._names, sizes, () if self._names else (self.target,))

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return inputs float64 (n, features) and targets int64 (n,) for classes or float64 (n, 1) for values."""
        check_split(split, self._splits)
        return self._splits[split]

    def _rows(self, file: str) -> list[dict[str, str]]:
        import csv

        path = Path(file)
        if not path.is_file():
            raise MissingError(f"no such file: {path}", "save the table there, or give another path in data.source.csv")
        require_file(path)
        try:
            with path.open(newline="", encoding="utf-8-sig") as stream:
                rows = list(csv.DictReader(stream, delimiter=self.delimiter, strict=True))
        except (csv.Error, OSError, ValueError, TypeError) as error:
            raise InputError(f"{path} is not a readable table: {error}", "save it as CSV in UTF-8") from error
        _check_widths(path, rows)
        if not rows:
            raise InputError(f"{path} has no rows", "the first line is the header, examples follow")
        columns = [name for name in rows[0] if name is not None]
        for wanted in [self.target, *self.features]:
            if wanted not in columns:
                raise InputError(f"{path} has no column {wanted!r}", closest(wanted, columns))
        return rows

    def _split(self, file: str) -> Split:
        rows = self._rows(file)
        features = self.features or [name for name in rows[0] if name not in (self.target, None)]
        inputs = np.asarray([[_number(file, i, row, name) for name in features] for i, row in enumerate(rows, 2)])
        if not self._names:
            return Split(inputs, np.asarray([[_number(file, i, row, self.target)] for i, row in enumerate(rows, 2)]))
        index = {name: position for position, name in enumerate(self._names)}
        for line, row in enumerate(rows, 2):
            if row[self.target] not in index:
                raise InputError(
                    f"{file}:{line}: unknown class {row[self.target]!r}", closest(row[self.target], [*index])
                )
        return Split(inputs, np.asarray([index[row[self.target]] for row in rows], np.int64))


def _check_widths(path: Path, rows: list[dict[str, str]]) -> None:
    for line, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise InputError(f"{path}:{line} has more or fewer columns than the header", "clean the table first")


def _number(file: str, line: int, row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = float("nan")
    if not np.isfinite(value):
        raise InputError(
            f"{file}:{line}: column {column!r} is not a finite number: {row[column]!r}", "clean the table first"
        )
    return value
