"""Load a run's trained model: rebuild it from the run's own recipe, with the weights of one checkpoint.

Only weights are read from checkpoint files, so no file of a run can execute code.
"""

import warnings
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np

from dlkit.data.source import stored_description
from dlkit.errors import InputError
from dlkit.interfaces.data import Description
from dlkit.model.build import build_model
from dlkit.model.built import BuiltModel
from dlkit.model.compile import compile_model
from dlkit.model.vocabulary import load_vocabularies
from dlkit.recipe import LoadedRecipe, load_recipe
from dlkit.runs.directory import RunDirectory
from dlkit.runs.parents import with_kept_source
from dlkit.safety.files import MAX_CLASSES, MAX_VALUES, UnreadableError, check_folder, first_line
from dlkit.safety.keras_files import check_keras


@dataclass(frozen=True)
class TrainedModel:
    """A run, its recipe as it was trained, and its compiled model with trained weights."""

    run: RunDirectory
    loaded: LoadedRecipe
    built: BuiltModel
    checkpoint: str


def open_run(run: RunDirectory, checkpoint: str = "last") -> TrainedModel:
    """Return the run's model with the weights of `last` or `best`; the data itself is not needed."""
    path = run.checkpoint(checkpoint)
    check_folder(run.path)
    loaded = with_kept_source(load_recipe(run.resolved_recipe), run)
    built = build_model(loaded.recipe, _description(run))
    built = replace(built, task=built.task.fitted(built.class_names, _class_counts(run, built.class_names)))
    load_weights(built.network, path)
    load_weights(built.preprocess, run.path / "preprocess.keras")
    load_vocabularies(built.preprocess, run.path)
    compile_model(built, loaded.recipe)
    return TrainedModel(run, loaded, built, checkpoint)


def _description(run: RunDirectory) -> Description:
    """Return the data's description from data.json; raise InputError when it cannot be that of a dataset."""
    try:
        description = stored_description(run)
        for spec in (description.inputs, description.targets):
            if spec.dtype != "string":
                np.dtype(spec.dtype)
            if not all(size is None or (type(size) is int and 0 < size < MAX_VALUES) for size in spec.shape):
                raise ValueError(f"shape {list(spec.shape)}")
        if len(description.class_names) > MAX_CLASSES or not all(isinstance(n, str) for n in description.class_names):
            raise ValueError("class_names is not a list of names")
    except (OSError, AttributeError, TypeError, ValueError) as error:
        path = run.path / "data.json"
        raise InputError(f"{path} does not describe the data: {error}", "restore the file or train again") from error
    return description


def _class_counts(run: RunDirectory, class_names: tuple[str, ...]) -> list[int]:
    """Return the examples of each class in train from data.json; older runs have none, which counts as 1 each."""
    counts = run.read_json("data.json").get("class_counts") or [1] * len(class_names)
    whole = isinstance(counts, list) and all(type(count) is int and count >= 0 for count in counts)
    if not whole or len(counts) != len(class_names):
        path = run.path / "data.json"
        raise InputError(f"class_counts in {path} does not fit the classes", "restore the file or train again")
    return counts


def load_weights(network: keras.Model, path: Path) -> None:
    """Read a checkpoint's weights; raise InputError when the file is unsafe, damaged or of another network."""
    if not network.variables and path.exists():
        return
    noted: list[warnings.WarningMessage] = []
    try:
        check_keras(path)
        with warnings.catch_warnings(action="always", record=True) as noted:
            network.load_weights(path)
    except (UnreadableError, OSError, ValueError, KeyError, TypeError, AttributeError, BadZipFile) as error:
        raise InputError(
            f"{path} does not contain this network's weights: {first_line(error)}",
            "the file is damaged, or the recipe's model differs from the run's",
        ) from error
    for one in noted:  # of weights that were read; those of a failure only repeat it
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def other_shapes(network: keras.Model, run: RunDirectory) -> str | None:
    """Return the first difference between the weights of a network and those of a run, as text; None without any."""
    pairs = zip_longest(network.variables, open_run(run).built.network.variables)
    for own, other in pairs:
        if own is None or other is None or tuple(own.shape) != tuple(other.shape):
            ours, theirs = ("missing" if one is None else f"{one.path} {list(one.shape)}" for one in (own, other))
            return f"{theirs} in {run.path}, {ours} in the recipe"
    return None
