"""Find and copy the runs that a recipe depends on.

These are the run whose first layers its network starts with (`weights: {run: ..., upto: ...}`) and the run whose
predictions it learns from (`training.teacher`). A later run of the same name, or the removal of a source, must not
change a finished run, so the source's recipe, data description and weights are copied into the new run.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.errors import MissingError
from dlkit.process import command, sources_roots
from dlkit.runs.directory import RESOLVED, VOCABULARY, RunDirectory
from dlkit.runs.find import find_run
from dlkit.safety.files import check_folder

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe
    from dlkit.recipe.schema import Recipe

FOLDER, TEACHER = "source_run", "teacher"
_FILES = (RESOLVED, "data.json", "last.keras")


def source_reference(recipe: "Recipe") -> str | None:
    """Return the reference of the run that the recipe's model starts from, or None."""
    weights = recipe.model.settings.get("weights")
    return str(weights["run"]) if isinstance(weights, Mapping) and "run" in weights else None


def find_source(reference: str) -> RunDirectory:
    """Return the finished run, by directory or recipe name, whose first layers a network starts with."""
    return _found(reference, "whose first layers this network starts with")


def find_teacher(reference: str) -> RunDirectory:
    """Return the finished run, by directory or recipe name, that a network learns from."""
    return _found(reference, "which this network learns from")


def may_know_validation(loaded: "LoadedRecipe") -> str | None:
    """Return a warning if the teacher was trained on other data and may know the validation examples, else None."""
    recipe = loaded.recipe
    if recipe.training.teacher is None or recipe.data.validation == "none":
        return None
    from dlkit.recipe import load_recipe
    from dlkit.recipe.places import with_absolute_places

    try:
        teacher = find_teacher(recipe.training.teacher.run)
    except MissingError:
        return None  # training reports the missing run
    ours, theirs = (with_absolute_places(item).plain["data"] for item in (loaded, load_recipe(teacher.resolved_recipe)))
    different = [key for key in ("source", "classes", "limit", "validation") if ours.get(key) != theirs.get(key)]
    if not different:
        return None
    keys = " and ".join(f"data.{key}" for key in different)
    return (
        f"training.teacher: {teacher.path} was trained with a different {keys}, so it may have seen the "
        "validation examples, and validation metrics may be too optimistic"
    )


def started_from(run: RunDirectory) -> RunDirectory | None:
    """Return the run whose weights a run started with (train --from); MissingError when it is not there.

    If all runs were moved together, the parent is found beside the run.
    """
    recorded = run.read_json("environment.json").get("from")
    if recorded is None:
        return None
    path = Path(recorded)
    beside = run.path.resolve().parent.parent / path.parent.name / path.name
    found = next((RunDirectory(place) for place in (path, beside) if (place / RESOLVED).is_file()), None)
    if found is None:
        raise MissingError(
            f"{run.path} started with the weights of {path}, which does not exist",
            "restore that run, or train a new run from another one with --from",
        )
    check_folder(found.path)
    return found


def keep_source(recipe: "Recipe", run: Path) -> None:
    """Copy the required files of source and teacher, and those of their sources, into the folder of a new run."""
    reference, teacher = source_reference(recipe), recipe.training.teacher
    if reference is not None:
        _copy(find_source(reference).path, run / FOLDER)
    if teacher is not None:
        found = find_teacher(teacher.run).path
        words = [VOCABULARY] if (found / VOCABULARY).is_file() else []
        _copy(found, run / TEACHER, "preprocess.keras", *words)


def with_kept_source(loaded: "LoadedRecipe", run: RunDirectory) -> "LoadedRecipe":
    """Return a run's recipe with references to source and teacher replaced by the copies inside the run."""
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
    first, *others = sources_roots()
    try:
        for root in others:
            with suppress(MissingError):
                return find_run(reference, root, finished=True)
        return find_run(reference, first, finished=True)
    except MissingError as error:
        raise MissingError(
            f"cannot find the run {reference!r}, {role}: {error}",
            f"train it first: {command('train', reference)}; or give a run directory or --runs-dir",
        ) from error


def _copy(source: Path, kept: Path, *more: str) -> None:
    kept.mkdir()
    for name in (*_FILES, *more):
        shutil.copyfile(source / name, kept / name)
    if (source / FOLDER).is_dir():
        shutil.copytree(source / FOLDER, kept / FOLDER)
