"""Runs that a recipe builds on: whose layers its network begins with (`weights: {run: ..., upto: ...}`), and whose
answers it learns from (`training.teacher`). A run keeps a copy of them.

A later run of the same name, or the removal of the first one, must not change what a finished run is: so its recipe,
what it knows of its data and its weights are copied into the new run.
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.errors import MissingError
from dlkit.process import runs_root
from dlkit.runs.directory import RESOLVED, RunDirectory, find_run

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe
    from dlkit.recipe.schema import Recipe

FOLDER, TEACHER = "source_run", "teacher"
_FILES = (RESOLVED, "data.json", "last.keras")


def source_reference(recipe: "Recipe") -> str | None:
    """What the recipe's model names as the run to begin with, if it does."""
    weights = recipe.model.settings.get("weights")
    return str(weights["run"]) if isinstance(weights, Mapping) and "run" in weights else None


def find_source(reference: str) -> RunDirectory:
    """The finished run whose layers a network begins with, by its directory or its recipe's name; or MissingError."""
    return _found(reference, "with whose layers this network begins")


def find_teacher(reference: str) -> RunDirectory:
    """The finished run that a network learns from, by its directory or its recipe's name; or MissingError."""
    return _found(reference, "which this network learns from")


def may_know_validation(loaded: "LoadedRecipe") -> str | None:
    """A warning where the recipe's teacher was trained on other data, and so may have learnt what is held out here."""
    recipe = loaded.recipe
    if recipe.training.teacher is None or recipe.data.validation == "none":
        return None
    from dlkit.recipe import load_recipe

    try:
        teacher = find_teacher(recipe.training.teacher.run)
    except MissingError:
        return None  # the training says so, at its place
    ours, theirs = loaded.plain["data"], load_recipe(teacher.resolved_recipe).plain["data"]
    different = [key for key in ("source", "classes", "limit", "validation") if ours.get(key) != theirs.get(key)]
    if not different:
        return None
    keys = " and ".join(f"data.{key}" for key in different)
    return (
        f"training.teacher: {teacher.path} was trained with another {keys}, so it may have learnt what is "
        "held out here, and validation may look better than it is"
    )


def keep_source(recipe: "Recipe", run: Path) -> None:
    """Copy what is needed of source and teacher into the folder of a new run; their own sources come along."""
    reference, teacher = source_reference(recipe), recipe.training.teacher
    if reference is not None:
        _copy(find_source(reference).path, run / FOLDER)
    if teacher is not None:
        _copy(find_teacher(teacher.run).path, run / TEACHER, "preprocess.keras")


def with_kept_source(loaded: "LoadedRecipe", run: RunDirectory) -> "LoadedRecipe":
    """A run's recipe, with the runs that it builds on looked up in the run itself."""
    recipe, source, teacher = loaded.recipe, run.path / FOLDER, run.path / TEACHER
    if source_reference(recipe) is not None and source.is_dir():
        weights: Any = recipe.model.settings["weights"] | {"run": str(source)}
        model = replace(recipe.model, settings=recipe.model.settings | {"weights": weights})
        recipe = recipe.model_copy(update={"model": model})
    if recipe.training.teacher is not None and teacher.is_dir():
        kept = recipe.training.teacher.model_copy(update={"run": str(teacher)})
        recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"teacher": kept})})
    return replace(loaded, recipe=recipe)


def _found(reference: str, role: str) -> RunDirectory:
    try:
        return find_run(reference, runs_root(), finished=True)
    except MissingError as error:
        raise MissingError(
            f"the run {reference!r}, {role}, is not there: {error}",
            f"train it first: dlkit train {reference}; or give a run's directory or --runs-dir",
        ) from error


def _copy(source: Path, kept: Path, *more: str) -> None:
    kept.mkdir()
    for name in (*_FILES, *more):
        shutil.copyfile(source / name, kept / name)
    if (source / FOLDER).is_dir():
        shutil.copytree(source / FOLDER, kept / FOLDER)
