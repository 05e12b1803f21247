"""What users should know about the data that a recipe trains on, beyond what is an error."""

from collections.abc import Iterator, Mapping

import numpy as np

from dlkit.formatting import first_few
from dlkit.interfaces.data import Dataset, Description, Split
from dlkit.recipe.schema import Data, Validation

VALIDATION = "validation"


def notes(data: Data, dataset: Dataset, splits: Mapping[str, Split]) -> tuple[str, ...]:
    """Return messages about files that are not read, an unused validation split, and classes without examples."""
    description = dataset.describe()
    return (*source_notes(dataset), *_unused(data, description), *_lacking(description, splits))


def source_notes(dataset: Dataset) -> tuple[str, ...]:
    """Return a dataset's own messages about what it does not read or does not contain."""
    return tuple(getattr(dataset, "notes", ()))


def _unused(data: Data, description: Description) -> Iterator[str]:
    """Yield a message if the source has a validation split and the recipe validates on other examples."""
    count = description.splits.get(VALIDATION)
    names = data.validation.split if isinstance(data.validation, Validation) else None
    if count and names != VALIDATION:
        yield (
            f"the validation split of the data ({count:,} examples) is not used; to validate on it: "
            '--set "data.validation={split: validation}"'
        )


def _lacking(description: Description, splits: Mapping[str, Split]) -> Iterator[str]:
    for name, split in splits.items():
        if description.class_names and split.targets.ndim == 1:
            counts = np.bincount(np.asarray(split.targets), minlength=len(description.class_names))
            missing = [label for label, count in zip(description.class_names, counts, strict=True) if not count]
            if missing:
                yield f"{name} has no examples of {first_few(missing, 10)}"
