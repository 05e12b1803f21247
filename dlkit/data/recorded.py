"""Compare data with what a run recorded of the data that it was trained on: classes, columns, shapes and dtypes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dlkit.data.source import describe, present_dataset, stored_description
from dlkit.errors import CheckError, DlkitError, located
from dlkit.formatting import first_few
from dlkit.interfaces.data import Dataset, Description, Resizer, Split
from dlkit.interfaces.table import Table

if TYPE_CHECKING:
    from dlkit.recipe.schema import Recipe
    from dlkit.runs.directory import RunDirectory

SHOWN = 10


def dataset_of(run: "RunDirectory", recipe: "Recipe") -> Dataset:
    """Return the dataset of a run's recipe, with columns in the run's order.

    Raise CheckError when its classes, columns, shapes or dtypes are no longer those that the run was trained on.
    """
    dataset, recorded = present_dataset(recipe), stored_description(run)
    try:
        found = describe(recipe, dataset)
        problems = differences(recorded, found)
        if problems:
            raise CheckError(
                f"the data is not that of {run.path}: {'; '.join(problems)}",
                "restore the original classes and columns, or train a new run",
            )
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error
    if recorded.table is None or found.table is None or recorded.table == found.table:
        return dataset
    order = tuple(found.table.names.index(name) for name in recorded.table.names)
    return _InOrder(dataset, recorded.table, order)


def differences(then: Description, now: Description) -> list[str]:
    """Return the differences between two descriptions that change the meaning of inputs or targets."""
    found = _of_names("classes", then.class_names, now.class_names, ordered=True)
    if then.table and now.table:
        found += _of_names("columns", then.table.names, now.table.names, ordered=False)
        before = {column.name: column.categories for column in then.table.columns}
        for column in now.table.columns:
            if column.name in before:
                kind = f"categories of {column.name!r}"
                found += _of_names(kind, before[column.name], column.categories, ordered=True)
    for name in ("inputs", "targets"):
        old, new = getattr(then, name), getattr(now, name)
        if not found and (old.shape, old.dtype) != (new.shape, new.dtype):
            found.append(f"{name} were {old.dtype} {list(old.shape)}, are {new.dtype} {list(new.shape)}")
    return found


def _of_names(kind: str, then: Sequence[str], now: Sequence[str], ordered: bool) -> list[str]:
    """Return how two lists of names differ, as text; `ordered` if their order matters."""
    missing = [name for name in then if name not in set(now)]
    added = [name for name in now if name not in set(then)]
    if not missing and not added:
        return [f"{kind} are in another order: {_listed(now)}"] if ordered and list(then) != list(now) else []
    parts = [f"missing {_listed(missing)}"] * bool(missing) + [f"new {_listed(added)}"] * bool(added)
    return [f"{kind}: {', '.join(parts)}"]


def _listed(names: Sequence[str]) -> str:
    return first_few([repr(name) for name in names], SHOWN)


@dataclass(frozen=True)
class _InOrder:
    """A table with its columns in the order of the run. All other attributes are those of the dataset."""

    dataset: Dataset
    table: Table
    order: tuple[int, ...]

    def describe(self) -> Description:
        """Return the dataset's description with the columns in the order of the run."""
        return replace(self.dataset.describe(), table=self.table)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return a split with the columns in the order of the run."""
        found = self.dataset.load(split, resize)
        return replace(found, inputs=found.inputs[:, list(self.order)])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dataset, name)
