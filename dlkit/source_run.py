"""The run whose layers a network begins with (`weights: {run: ..., upto: ...}`), and the copy that a run keeps of it.

A later run of the same name, or the removal of the first one, must not change what a finished run is: so its recipe,
what it knows of its data and its weights are copied into the new run.
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.errors import MissingError
from dlkit.run_directory import RESOLVED, RunDirectory, find_run, runs_root

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe
    from dlkit.recipe.schema import Recipe

FOLDER = "source_run"
_FILES = (RESOLVED, "data.json", "last.keras")


def source_reference(recipe: "Recipe") -> str | None:
    """What the recipe's model names as the run to begin with, if it does."""
    weights = recipe.model.settings.get("weights")
    return str(weights["run"]) if isinstance(weights, Mapping) and "run" in weights else None


def find_source(reference: str) -> RunDirectory:
    """A finished run by its directory or its recipe's name; MissingError when there is none."""
    try:
        return find_run(reference, runs_root(), finished=True)
    except MissingError as error:
        raise MissingError(
            f"the run {reference!r}, with whose layers this network begins, is not there: {error}",
            f"train it first: dlkit train {reference}; or give a run's directory or --runs-dir",
        ) from error


def keep_source(recipe: "Recipe", run: Path) -> None:
    """Copy what is needed of the source run into the folder of a new run; its own source comes along."""
    reference = source_reference(recipe)
    if reference is None:
        return
    source = find_source(reference).path
    (run / FOLDER).mkdir()
    for name in _FILES:
        shutil.copyfile(source / name, run / FOLDER / name)
    if (source / FOLDER).is_dir():
        shutil.copytree(source / FOLDER, run / FOLDER / FOLDER)


def with_kept_source(loaded: "LoadedRecipe", run: RunDirectory) -> "LoadedRecipe":
    """A run's recipe, with the run that its network began with looked up in the run itself."""
    place = run.path / FOLDER
    if source_reference(loaded.recipe) is None or not place.is_dir():
        return loaded
    model = loaded.recipe.model
    weights: Any = model.settings["weights"] | {"run": str(place)}
    kept = replace(model, settings=model.settings | {"weights": weights})
    return replace(loaded, recipe=loaded.recipe.model_copy(update={"model": kept}))
