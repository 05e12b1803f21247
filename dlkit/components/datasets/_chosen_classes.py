"""A dataset restricted to some of its classes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dlkit.errors import InputError, closest
from dlkit.interfaces.data import Dataset, Description, Resizer, Split


@dataclass(frozen=True)
class ChosenClasses:
    """The examples of the chosen classes, renumbered in the order of choice.

    The example counts in the description are those of the whole dataset. All other attributes are those of the dataset.
    """

    dataset: Dataset
    classes: tuple[str, ...]

    def describe(self) -> Description:
        """Return the dataset's description with the chosen class names; raise InputError for an unknown class."""
        found = self.dataset.describe()
        for name in self.classes:
            if name not in found.class_names and not found.unnamed:
                raise InputError(
                    f"the data has no class {name!r}", closest(name, list(found.class_names)), key="data.classes"
                )
        return replace(found, class_names=self.classes, unnamed=False)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return the examples of one split that belong to the chosen classes."""
        whole = self.dataset.load(split, resize)
        self.describe()
        names = self.dataset.describe().class_names
        labels = np.asarray(whole.targets)
        numbers = np.full(len(names), -1, np.int64)
        numbers[[names.index(name) for name in self.classes]] = np.arange(len(self.classes))
        rows = np.flatnonzero(numbers[labels] >= 0)
        return replace(whole.select(rows), targets=numbers[labels[rows]])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dataset, name)
