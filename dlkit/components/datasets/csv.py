"""A CSV file with a header line: columns as inputs, matched by name, and one column as the target."""

from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from dlkit.components.datasets._label_names import check_labels
from dlkit.components.datasets._samples import sample_lines
from dlkit.errors import InputError, closest
from dlkit.interfaces.data import (
    ArraySpec,
    DataPath,
    Description,
    Resizer,
    Split,
    check_split,
    seeded_split,
    table_spec,
)
from dlkit.interfaces.table import Column, Table
from dlkit.media.table_inputs import (
    check_cells,
    counts_rows,
    is_missing,
    numbers,
    read_inputs,
    require_column,
)
from dlkit.media.tables import TextTable, parse_table, read_table

HINT = "save the table there, or give another path in data.source.csv"


@dataclass(frozen=True, kw_only=True)
class Csv:
    """A CSV file in UTF-8 with a header; `features` are the columns to use as inputs, by default all but `target`.

    The target contains class names, or numbers with `kind: values`. Columns are matched by name in every file. Columns
    listed in `categories` become one input per text that the training table contains; `unknown: zeros` allows others.
    Columns of prose are listed in `texts` with a number of inputs, one for each of their most frequent words, such as
    texts: {title: 2000}; a text that is the only feature may be `raw` instead, for TextVectorization.
    `missing` gives a rule to columns with empty cells: mean or median of the examples that are trained on, a number, a
    category, or drop for leaving out the row; without a rule they are errors. Spaces around cells are ignored. `sample`
    names a table that is included in scikit-learn, to try a recipe before there is a `file`.
    """

    file: DataPath | None = None
    sample: Literal["breast_cancer", "diabetes", "iris", "wine"] | None = None
    target: str
    features: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    texts: dict[str, Annotated[int, Field(ge=3)] | Literal["raw"]] = field(default_factory=dict)
    unknown: Literal["refuse", "zeros"] = "refuse"
    missing: dict[str, Any] = field(default_factory=dict)
    kind: Literal["classes", "values"] = "classes"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    test_file: DataPath | None = None
    test_fraction: Annotated[float, Field(gt=0, lt=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def __post_init__(self) -> None:
        if (self.file is None) == (self.sample is None):
            raise InputError("csv takes either file or sample", "such as csv: {file: table.csv, target: kind}")
        if self.test_file is not None and self.test_fraction is not None:
            raise InputError("csv takes test_file or test_fraction, not both", "remove one of them")
        if self.delimiter in (self.decimal, '"', "\n", "\r", " "):
            raise InputError(f"the delimiter is {self.delimiter!r}", "give another one, such as ';'")
        if self.target in self.features:
            raise InputError(f"the target {self.target!r} is among the features", "remove it from features")
        for key in ("features", "categories"):
            names = getattr(self, key)
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise InputError(f"{twice!r} is in {key} twice", "remove one")

    @cached_property
    def _texts(self) -> dict[str, TextTable]:
        """The tables as they are in the files, by split."""
        train = {"train": self._read(self.file)}
        return train | ({"test": self._read(self.test_file)} if self.test_file is not None else {})

    @cached_property
    def _train(self) -> TextTable:
        text = self._complete(self._texts["train"])
        for name in (self.target, *self.features):
            require_column(text, name)
        if text.unnamed and not self.features:
            raise InputError(
                f"{text.path}: column {text.unnamed[0]} has no name; is it the number of the row?",
                "remove it or name it, or list the columns to use in data.source.csv.features",
            )
        return text

    @cached_property
    def table(self) -> Table:
        """The columns of the inputs with their categories and rules, from the training table."""
        names = self.features or [name for name in self._train.columns if name != self.target]
        if not names:
            raise InputError(f"{self._train.path} has no column besides the target", "add at least one feature")
        for key in ("categories", "texts", "missing"):
            for name in getattr(self, key):
                if name not in names and not (name == self.target and self.missing.get(name) == "drop"):
                    raise InputError(f"{name!r} in {key} is not a feature", closest(name, names))
        columns = tuple(self._column(name) for name in names)
        if "raw" in self.texts.values() and len(columns) > 1:
            raise InputError(
                "a raw text must be the only feature, because a network takes one kind of input",
                "give the number of its words instead, such as texts: {title: 2000}, or list only it in features",
            )
        return Table(columns, self.target, self.delimiter, self.decimal, self.unknown, bool(self.features))

    def _column(self, name: str) -> Column:
        rule = self.missing.get(name)
        if name in self.texts:
            if name in self.categories:
                raise InputError(f"{name!r} is in categories and in texts", "remove it from one of them")
            if rule not in (None, "drop"):
                raise InputError(f"{rule!r} is no rule for the text {name!r}", "allowed: drop")
            return Column(name, (), rule, self.texts[name])
        if name not in self.categories:
            if rule not in (None, "mean", "median", "drop") and not _is_finite(rule):
                raise InputError(f"{rule!r} is no rule for {name!r}", "allowed: mean, median, drop, or a number")
            return Column(name, (), rule if rule is None or isinstance(rule, str) else float(rule))
        if not (rule is None or isinstance(rule, str)) or rule in ("mean", "median", ""):
            raise InputError(f"{rule!r} is no rule for the category {name!r}", "allowed: drop, or a category")
        found = {cell for cell in self._train.columns[name] if not is_missing(cell)}
        check_labels(self._train, name, found)
        named = {rule} if rule not in (None, "drop") else set()
        return Column(name, tuple(sorted(found | named)), rule)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        if self.kind == "values":
            return ()
        labels = self._train.columns[self.target]
        check_labels(self._train, self.target, set(labels))
        names = tuple(sorted(set(labels)))
        if len(names) < 2:
            raise InputError(
                f"{self._train.path}: column {self.target!r} has only one class: {names[0]!r}",
                "give rows of at least two classes, or set kind: values for a regression",
            )
        return names

    @cached_property
    def _splits(self) -> dict[str, Split]:
        train = self._split(self._train)
        if self.test_file is not None:
            return {"train": train, "test": self._split(self._complete(self._texts["test"]))}
        if self.test_fraction is None:
            return {"train": train}
        stratify = self.kind == "classes"
        kept, held = seeded_split(train.targets, self.test_fraction, self.seed, stratify, self._names)
        return {"train": train.select(kept), "test": train.select(held)}

    def describe(self) -> Description:
        """Return one input per feature column; classes are the sorted names found in the target column."""
        splits = self._splits
        targets = ArraySpec((), "int64") if self._names else ArraySpec((1,), "float64")
        lengths = {name: len(split) for name, split in splits.items()}
        values = () if self._names else (self.target,)
        return Description(table_spec(self.table), targets, self._names, lengths, values, self.table)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return inputs (n, features), float64 or text, and targets int64 (n,) or, for values, float64 (n, 1)."""
        check_split(split, self._splits)
        return self._splits[split]

    @property
    def notes(self) -> list[str]:
        """Return what to know before training: rows left out by a rule, and columns that only count the rows."""
        sizes = {text.path: len(text) - len(self._complete(text)) for text in self._texts.values()}
        found = [f"left out {count} rows of {path}, by the rule drop" for path, count in sizes.items() if count]
        cells = self._texts["train"].columns
        return found + [
            f"column {name!r} counts the rows; if it is not a measurement, leave it out of data.source.csv.features"
            for name in self.table.names
            if counts_rows(cells[name])
        ]

    def _read(self, file: str | None) -> TextTable:
        if file is None:
            return parse_table(sample_lines(str(self.sample), self.target), f"sample {self.sample}", ",")
        return read_table(Path(file), self.delimiter, HINT)

    def _complete(self, text: TextTable) -> TextTable:
        """Return a table without the rows that a rule drops."""
        dropping = [name for name, rule in self.missing.items() if rule == "drop"]
        for name in dropping:
            require_column(text, name)
        empty = [row for row in range(len(text)) if any(is_missing(text.columns[name][row]) for name in dropping)]
        if len(empty) == len(text):
            raise InputError(f"{text.path}: the rule drop leaves no rows", "remove the rule or complete the table")
        return text.without(empty) if empty else text

    def _split(self, text: TextTable) -> Split:
        require_column(text, self.target)
        inputs = read_inputs(text, self.table)
        labels = text.columns[self.target]
        if not self._names:
            check_cells(text, Column(self.target), self.table)
            return Split(inputs, numbers(labels, self.decimal)[:, np.newaxis])
        index = {name: position for position, name in enumerate(self._names)}
        check_labels(text, self.target, set(labels))
        for row, label in enumerate(labels):
            if label not in index:
                raise InputError(f"{text.place(row)}: unknown class {label!r}", closest(label, [*index]))
        return Split(inputs, np.asarray([index[label] for label in labels], np.int64))


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
