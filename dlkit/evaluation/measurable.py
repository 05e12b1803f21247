"""Choose what a run is measured on: a split of its own data, which may have moved, or other data in another place."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dlkit.data.fingerprint import fingerprint
from dlkit.data.recorded import dataset_of
from dlkit.data.source import describe, present_dataset
from dlkit.data.splits import check_finite, check_fits, load_splits, resized_spec, resizer
from dlkit.errors import DlkitError, InputError, located
from dlkit.files.cache import digest
from dlkit.interfaces.data import Description, Split, check_split
from dlkit.model.splits import read_split
from dlkit.model.trained import TrainedModel, open_run
from dlkit.recipe.places import moved, undivided
from dlkit.runs.directory import RunDirectory

OTHER = "other_data"


@dataclass(frozen=True)
class Measurable:
    """A run's model and the examples to measure it on.

    name: of the split. place: of other data, whose results are kept apart; None for the run's own.
    """

    trained: TrainedModel
    name: str
    split: Split
    place: Path | None = None

    @property
    def report(self) -> str:
        """What the files of a report on these examples are called."""
        if self.place is None:
            return self.name
        return f"{self.name}_{self.place.name}_{digest(str(self.place.resolve()))[:8]}"

    def record(self, content: dict[str, Any], found: dict[str, Any]) -> None:
        """Put what was found into the content of metrics.json."""
        if self.place is None:
            content.setdefault("evaluation", {})[self.name] = found
            return
        found |= {"examples": len(self.split), "report": self.report}
        content.setdefault(OTHER, {}).setdefault(str(self.place.resolve()), {})[self.name] = found


def open_examples(run: RunDirectory, checkpoint: str, split: str | None, place: Path | None) -> Measurable:
    """Open a run's checkpoint and read a split of its data, or of the data in another place.

    Without a split, that of the recipe's contract; of other data that has no such split, all examples. Raises
    InputError when classes or shapes of other data differ from those of the run.
    """
    trained = open_run(run, checkpoint)
    name = split or trained.loaded.recipe.expect.split
    if place is not None:
        trained = replace(trained, loaded=moved(trained.loaded, place))
        if not _is_data_of_run(trained, name):
            trained = replace(trained, loaded=undivided(trained.loaded))
            return Measurable(trained, *_examples(trained, split), place)
    return Measurable(trained, name, read_split(trained, name))


def _is_data_of_run(trained: TrainedModel, split: str) -> bool:
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


def _examples(trained: TrainedModel, split: str | None) -> tuple[str, Split]:
    recipe = trained.loaded.recipe
    try:
        description = describe(recipe, present_dataset(recipe))
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
