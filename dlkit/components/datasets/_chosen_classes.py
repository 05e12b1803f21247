"""Some classes of a dataset, as a dataset of its own."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dlkit.errors import InputError, closest
from dlkit.interfaces.data import Dataset, Description, Resizer, Split


@dataclass(frozen=True)
class ChosenClasses:
    """The examples of some classes, which are numbered anew in the order in which they are chosen.

    The description's numbers of examples are those of the whole dataset. What else the dataset offers is passed on.
    """

    dataset: Dataset
    classes: tuple[str, ...]

    def describe(self) -> Description:
        """The dataset's description with the chosen class names; InputError when it has no such class."""
        found = self.dataset.describe()
        for name in self.classes:
            if name not in found.class_names:
                raise InputError(
                    f"the data has no class {name!r}", closest(name, list(found.class_names)), key="data.classes"
                )
        return replace(found, class_names=self.classes)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """The examples of one split that are of the chosen classes."""
        self.describe()
        names = self.dataset.describe().class_names
        whole = self.dataset.load(split, resize)
        labels = np.asarray(whole.targets)
        numbers = np.full(len(names), -1, np.int64)
        numbers[[names.index(name) for name in self.classes]] = np.arange(len(self.classes))
        rows = np.flatnonzero(numbers[labels] >= 0)
        return Split(whole.select(rows).inputs, numbers[labels[rows]])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dataset, name)
