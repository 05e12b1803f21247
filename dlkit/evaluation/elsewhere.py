"""Measure a run on data in another place: its own data that has moved, or other data, whose results are kept apart."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dlkit.data.fingerprint import fingerprint
from dlkit.data.recorded import dataset_of
from dlkit.data.source import build_dataset, describe
from dlkit.data.splits import check_finite, check_fits, load_splits, resized_spec, resizer
from dlkit.errors import DlkitError, InputError, located
from dlkit.evaluation.report import write_report
from dlkit.evaluation.tiling import Tiles
from dlkit.files.cache import digest
from dlkit.interfaces.data import Description, Split, check_split
from dlkit.model.trained import TrainedModel
from dlkit.recipe.places import moved, undivided
from dlkit.runs.figures import write_figures

OTHER = "other_data"


def moved_model(trained: TrainedModel, place: Path) -> TrainedModel:
    """Return the model of a run, with its data in another place."""
    return replace(trained, loaded=moved(trained.loaded, place))


def is_data_of_run(trained: TrainedModel, split: str) -> bool:
    """Return whether the data of a model's recipe is that of its run.

    Compares the fingerprint of the split where the run recorded one, otherwise that of the validation or train split.
    """
    recipe, known = trained.loaded.recipe, trained.run.read_json("data.json").get("fingerprints", {})
    try:
        dataset = dataset_of(trained.run, recipe)
        if split == "test" and "test" in known:
            return bool(fingerprint(dataset.load("test", resizer(recipe.data))) == known["test"])
        parts = load_splits(recipe.data, dataset, trained.built.task.stratified).named()
        compared = split if split in parts else next(name for name in ("validation", "train") if name in parts)
        return bool(fingerprint(parts[compared]) == known.get(compared))
    except DlkitError:
        return False


def evaluate_other(
    trained: TrainedModel, split: str | None, place: Path, tiles: Tiles | None, note: Callable[[str], None]
) -> tuple[str, int, dict[str, float]]:
    """Measure a run's model on other data; return the split, its number of examples, and loss and metrics.

    Without a split, measures the contract's split if the data has it, otherwise all examples. Results are stored in the
    run under the place of the data. note: receives a warning for each figure that cannot be drawn. Raises InputError
    when classes or shapes differ from those of the run.
    """
    trained = replace(trained, loaded=undivided(trained.loaded))
    name, examples = _examples(trained, split)
    report = f"{name}_{place.name}_{digest(str(place.resolve()))[:8]}"
    with trained.run.locked():
        measured = write_report(trained.run, trained.built, trained.loaded.recipe, examples, report, tiles)
        content = trained.run.read_json("metrics.json")
        found = {
            "checkpoint": trained.checkpoint,
            "examples": len(examples),
            "metrics": measured.metrics,
            "report": report,
        }
        content.setdefault(OTHER, {}).setdefault(str(place.resolve()), {})[name] = found
        trained.run.write_json("metrics.json", content)
        write_figures(trained.run, measured.figures, f"{name} of {place}, {trained.checkpoint} epoch", note)
    return name, len(examples), measured.metrics


def _examples(trained: TrainedModel, split: str | None) -> tuple[str, Split]:
    recipe = trained.loaded.recipe
    dataset = build_dataset(recipe)
    try:
        description = describe(recipe, dataset)
        wanted = recipe.expect.split
        name = split or (wanted if wanted in description.splits or not description.splits else "train")
        if description.splits:
            check_split(name, description.splits)
        _check_classes(trained, description)
        examples = dataset_of(trained.run, recipe).load(name, resizer(recipe.data))
        check_fits(examples, name, resized_spec(recipe.data, trained.built.description))
        check_finite(examples, name)
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error
    return name, examples


def _check_classes(trained: TrainedModel, description: Description) -> None:
    """Raise InputError when other data has other classes than a run."""
    ours, theirs = trained.built.description, description
    if theirs.class_names != ours.class_names:
        raise InputError(
            f"the classes are {', '.join(theirs.class_names) or 'none'}, but the run's are "
            f"{', '.join(ours.class_names) or 'none'}",
            "give data with the same classes, named as those of the run",
        )
