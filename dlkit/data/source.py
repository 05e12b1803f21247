"""Build and describe the recipe's dataset without reading examples and without TensorFlow."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from dlkit.catalog.create import create
from dlkit.components.datasets._chosen_classes import ChosenClasses
from dlkit.components.datasets._label_names import spelled_before
from dlkit.errors import DlkitError, InputError, located
from dlkit.formatting import printable
from dlkit.interfaces.data import ArraySpec, Dataset, Description, TextFiles, table_spec
from dlkit.interfaces.table import Table
from dlkit.process import SKIP_BAD, whole_number

if TYPE_CHECKING:
    from dlkit.recipe.schema import Recipe
    from dlkit.runs.directory import RunDirectory


def build_dataset(recipe: "Recipe") -> Dataset:
    """Return the recipe's data source, not yet loaded; errors point to the recipe's source."""
    try:
        dataset: Dataset = create(recipe.data.source)
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error
    return ChosenClasses(dataset, tuple(recipe.data.classes)) if recipe.data.classes else dataset


def present_dataset(recipe: "Recipe") -> Dataset:
    """Return the recipe's data source after downloading what is missing, so that its description is no guess.

    Raises MissingError when the data is missing and cannot be downloaded.
    """
    dataset = build_dataset(recipe)
    try:
        getattr(dataset, "fetch" if hasattr(dataset, "fetch") else "check_present", dict)()
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error
    return dataset


def describe(recipe: "Recipe", dataset: Dataset) -> Description:
    """Return the dataset's description; errors, such as duplicate class names, point to the recipe's source."""
    try:
        description = dataset.describe()
        _check_class_names(description.class_names)
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error
    return description


def _check_class_names(names: tuple[str, ...]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise InputError(
            f"two classes have the name {', '.join(map(repr, repeated))}", "give every class a unique name"
        )
    _check_spellings(names)
    undecodable = [name for name in names if not _is_text(name)]
    if undecodable:
        raise InputError(
            f"the bytes of a class name are not UTF-8: {', '.join(map(printable, undecodable))}",
            "rename the folder, or save the names as UTF-8",
        )


def _check_spellings(names: tuple[str, ...]) -> None:
    """Raise InputError for two names that look the same: `1` and `1.0`, or é composed and decomposed."""
    for name, other in spelled_before(names):
        if other is not None:
            raise InputError(
                f"the classes {other!a} and {name!a} mean the same", "spell the name of the class in one way"
            )


def _is_text(name: str) -> bool:
    """Return whether a name is text that can be written as UTF-8; undecodable bytes of a file name are not."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def missing_data(recipe: "Recipe") -> DlkitError | None:
    """Return the error that explains how to get the recipe's data, None if it is present; no example is read."""
    try:
        dataset = build_dataset(recipe)
        # Datasets that can be described without their data have their own check of whether it is present.
        getattr(dataset, "check_present", dataset.describe)()
    except DlkitError as error:
        return error
    return None


def stored_description(run: "RunDirectory") -> Description:
    """Return the description of the data that a run was trained on, so that the data itself is not needed."""
    stored: dict[str, Any] = run.read_json("data.json").get("description", {})
    try:
        inputs, targets = (
            ArraySpec(tuple(stored[name]["shape"]), stored[name]["dtype"]) for name in ("inputs", "targets")
        )
        values = tuple(stored.get("target_names", ()))
        table = TypeAdapter(Table | None).validate_python(stored.get("table"))
        if table is not None and inputs != table_spec(table):
            raise TypeError("the table does not have the shape of the inputs")
        text = TypeAdapter(TextFiles | None).validate_python(stored.get("text"))
        names, rate = tuple(stored["class_names"]), stored.get("sampling_rate")
        return Description(inputs, targets, names, stored["splits"], values, table, text, rate)
    except (KeyError, TypeError, ValidationError) as error:
        path = run.path / "data.json"
        raise InputError(f"{path} does not describe the data", "restore the file or train again") from error


def left_out(dataset: Dataset) -> tuple[Path, ...]:
    """Return the unreadable images that a dataset skips; empty unless skipping is allowed."""
    return tuple(getattr(dataset, "left_out", ())) if whole_number(SKIP_BAD) else ()
