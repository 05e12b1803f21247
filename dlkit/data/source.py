"""The recipe's dataset and its description, without reading examples and without TensorFlow."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.catalog.create import create
from dlkit.components.datasets._chosen_classes import ChosenClasses
from dlkit.errors import DlkitError, InputError, located
from dlkit.interfaces.data import ArraySpec, Dataset, Description
from dlkit.process import SKIP_BAD, whole_number

if TYPE_CHECKING:
    from dlkit.recipe.schema import Recipe
    from dlkit.runs.directory import RunDirectory


def build_dataset(recipe: "Recipe") -> Dataset:
    """The recipe's data source, not yet read; its mistakes point to the recipe's source."""
    try:
        dataset: Dataset = create(recipe.data.source)
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error
    return ChosenClasses(dataset, tuple(recipe.data.classes)) if recipe.data.classes else dataset


def describe(recipe: "Recipe", dataset: Dataset) -> Description:
    """The dataset's description; its errors point to the recipe's source."""
    try:
        return dataset.describe()
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error


def missing_data(recipe: "Recipe") -> DlkitError | None:
    """What is amiss with the recipe's data, and how to get it; None when it is there. No example is read for it."""
    try:
        dataset = build_dataset(recipe)
        # Datasets that can be described without their data say themselves whether it is there.
        getattr(dataset, "check_present", dataset.describe)()
    except DlkitError as error:
        return error
    return None


def stored_description(run: "RunDirectory") -> Description:
    """What the run's data held when it was trained, so that the data itself is not needed any more."""
    stored: dict[str, Any] = run.read_json("data.json").get("description", {})
    try:
        inputs, targets = (
            ArraySpec(tuple(stored[name]["shape"]), stored[name]["dtype"]) for name in ("inputs", "targets")
        )
        return Description(inputs, targets, tuple(stored["class_names"]), stored["splits"])
    except (KeyError, TypeError) as error:
        path = run.path / "data.json"
        raise InputError(f"{path} does not describe the data", "restore the file or train again") from error


def left_out(dataset: Dataset) -> tuple[Path, ...]:
    """Return the unreadable images that a dataset leaves out; none unless that is allowed."""
    return tuple(getattr(dataset, "left_out", ())) if whole_number(SKIP_BAD) else ()
