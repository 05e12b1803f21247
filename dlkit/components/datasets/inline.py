"""Rows written in the recipe itself, for the few numbers of a worked example."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, Description, Resizer, Split, check_split


@dataclass(frozen=True, kw_only=True)
class Inline:
    """Rows of numbers in the recipe; the last column is the target, a class index if `classes` is given."""

    rows: list[list[float]]
    classes: Annotated[int, Field(ge=2)] | None = None

    def __post_init__(self) -> None:
        lengths = {len(row) for row in self.rows}
        if len(lengths) != 1 or min(lengths) < 2:
            raise InputError(
                f"inline rows must all have the same length, at least 2, received lengths {sorted(lengths)}",
                "write [x1, x2, ..., target] in every row",
            )
        targets = [row[-1] for row in self.rows]
        if self.classes and not all(target in range(self.classes) for target in targets):
            bad = next(target for target in targets if target not in range(self.classes))
            raise InputError(f"inline target {bad:g} is not a class index", f"allowed: 0 to {self.classes - 1}")

    def describe(self) -> Description:
        """Return the description with the single split train, one example per row."""
        inputs = ArraySpec((len(self.rows[0]) - 1,), "float64")
        splits = {"train": len(self.rows)}
        if self.classes is None:
            return Description(inputs, ArraySpec((1,), "float64"), (), splits)
        names = tuple(str(index) for index in range(self.classes))
        return Description(inputs, ArraySpec((), "int64"), names, splits)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return inputs float64 (n, columns - 1) and targets int64 (n,) for classes or float64 (n, 1) for values."""
        check_split(split, ["train"])
        table = np.asarray(self.rows, np.float64)
        return Split(table[:, :-1], table[:, -1].astype(np.int64) if self.classes else table[:, -1:])
