"""Prepare a training: build the model, read the train and validation splits, and open the teacher."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.components.layers._words import check_embeddings, text_layers
from dlkit.data.notes import notes
from dlkit.data.recorded import dataset_of
from dlkit.data.source import describe, left_out, present_dataset
from dlkit.data.splits import Splits, check_finite, check_fits, load_splits, resized_spec
from dlkit.errors import DlkitError, located
from dlkit.model.build import build_model
from dlkit.model.built import BuiltModel
from dlkit.model.preprocessing import adapt
from dlkit.runs.directory import RunDirectory
from dlkit.training.balance import class_counts
from dlkit.training.check import check_padding, check_pixels
from dlkit.training.teacher import Teacher, check_teacher, open_teacher
from dlkit.training.unlabelled import check_unlabelled

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


@dataclass(frozen=True)
class Prepared:
    """The inputs of a training: the built model, the splits, and a teacher if the recipe names one.

    left_out: unreadable images that were skipped. notes: what users should know about the data. class_counts: the
    examples of each class in train, empty where an example has no class.
    """

    built: BuiltModel
    splits: Splits
    teacher: Teacher | None = None
    left_out: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()


def prepare(loaded: "LoadedRecipe", run: RunDirectory | None = None) -> Prepared:
    """Build the recipe's model, adapt its preprocessing and read its data; errors point to the recipe.

    run: one that was trained on this data; its classes and columns must still be those of the data.
    """
    recipe = loaded.recipe
    dataset = dataset_of(run, recipe) if run else present_dataset(recipe)
    description = describe(recipe, dataset)
    teacher = open_teacher(loaded)
    built = build_model(recipe, description)
    check_teacher(teacher, built, loaded)
    try:
        splits = load_splits(recipe.data, dataset, built.task.stratified)
        if splits.validation is not None:
            check_fits(splits.validation, "validation", resized_spec(recipe.data, description))
            check_finite(splits.validation, "validation")
        check_unlabelled(splits, built, loaded)
    except DlkitError as error:
        key = error.problems[0].key
        raise located(error, loaded.locate(key) if key else recipe.data.source.location) from error
    counts = class_counts(built, splits.train)
    built = replace(built, task=built.task.fitted(built.class_names, counts))
    check_pixels(built, splits.validation)
    try:
        for name in ("train", "validation"):
            if name in splits.named():
                built.check_examples(splits.named()[name], name)
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error
    adapt(splits.train, built.preprocess, built.network)
    try:
        for layer in text_layers(built.preprocess):
            check_embeddings(built.network, layer.vocabulary_size())
        check_padding(built, splits.train)
    except DlkitError as error:
        raise located(error, recipe.model.location) from error
    found = notes(recipe.data, dataset, {name: split for name, split in splits.named().items() if name != "unlabelled"})
    return Prepared(built, splits, teacher, left_out(dataset), found, counts)
