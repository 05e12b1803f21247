"""Check a recipe's phases, contract and image sizes before training."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.analysis.receptive_field import grid_of
from dlkit.data.source import build_dataset, describe
from dlkit.data.splits import check_labelled
from dlkit.errors import CheckError, InputError, keras_reason, located
from dlkit.interfaces.data import Split
from dlkit.interfaces.ragged import Ragged
from dlkit.interfaces.task import Task, main_output
from dlkit.model.build import build_model, table_differences
from dlkit.model.built import BuiltModel
from dlkit.model.compile import compile_model
from dlkit.recipe.contract import changes_counts
from dlkit.training.heads import check_heads
from dlkit.training.monitors import check_monitors

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


def check_phases(built: BuiltModel, loaded: "LoadedRecipe") -> None:
    """Compile for every phase, in order; report mistakes in groups, rates and monitors at their place in the recipe."""
    training, name = loaded.recipe.training, loaded.recipe.task.name
    try:
        check_labelled(loaded.recipe.data, built.task.stratified)
        check_metric_names(built.task, built.network, name)
        _check_reduction(built, training.shards, name)
        check_heads(built, name)
    except InputError as error:
        key = error.problems[0].key
        raise located(error, loaded.locate(key) if key else loaded.recipe.model.location) from error
    for number, phase in enumerate(loaded.recipe.resolved_phases()):
        try:
            compile_model(built, loaded.recipe, phase)
            check_monitors(loaded.recipe, phase, built.task, built.network)
        except InputError as error:
            problem = error.problems[0]
            name = problem.key.split(".")[1] if "." in problem.key else ""
            if training.phases and getattr(training.phases[number], name, None) is not None:
                problem = replace(problem, key=problem.key.replace("training", f"training.phases.{number}", 1))
            error.problems = [problem]
            raise located(error, loaded.locate(problem.key) if problem.key else None) from error


def check_metric_names(task: Task, network: keras.Model, name: str) -> None:
    """Raise InputError when two metrics, or a metric and a loss, have the same name, because one would be lost.

    name: the task's, for the key of the problem.
    """
    losses = (
        ["loss", *(f"{output}_loss" for output in network.output)] if isinstance(network.output, Mapping) else ["loss"]
    )
    seen = set(losses)
    for metric in _metrics(task, network, name):
        if metric.name in seen:
            raise InputError(
                f"two losses or metrics have the name {metric.name!r}",
                "give the metric another name, such as {AUC: {name: my_auc}}",
                key=f"task.{name}.metrics",
            )
        seen.add(metric.name)


def _check_reduction(built: BuiltModel, shards: int, name: str) -> None:
    """Raise InputError for a loss that is a sum over a batch, because shards are averaged.

    name: the task's, for the key of the problem.
    """
    loss = built.task.loss_for(built.network)
    if shards > 1 and getattr(loss, "reduction", None) == "sum":
        raise InputError(
            f"the loss is a sum over a batch, but the {shards} shards of a batch are averaged",
            "omit reduction: sum and raise the learning rate instead, or set training.shards: 1",
            key=f"task.{name}.loss",
        )


def _metrics(task: Task, network: keras.Model, name: str) -> list[Any]:
    try:
        return task.metrics_for(network)
    except InputError as error:
        error.problems = [replace(problem, key=f"task.{name}.metrics") for problem in error.problems]
        raise


def check_build(loaded: "LoadedRecipe") -> BuiltModel:
    """Return the recipe's model after all checks; raise located errors, and CheckError for the contract."""
    dataset = build_dataset(loaded.recipe)
    built = build_model(loaded.recipe, describe(loaded.recipe, dataset))
    check_phases(built, loaded)
    differences = table_differences(loaded.recipe, built.network)
    if differences:
        raise contract_error(loaded, differences)
    return built


def contract_error(loaded: "LoadedRecipe", differences: list[str]) -> CheckError:
    """Return the error for a network that differs from the recipe's contract, and what --set has changed."""
    changed = changes_counts(loaded.overrides)
    return CheckError(
        f"contract failed: {'; '.join(differences)}",
        f"the network was changed with {changed}" if changed else "change the model or the recipe's expect",
        location=loaded.locate("expect"),
    )


def check_pixels(built: BuiltModel, split: Split | None) -> None:
    """Raise InputError when whole images of a split do not fit a pixel network that trains on crops."""
    network = built.network
    if split is None or not built.task.moves_targets or None not in network.input.shape[1:3]:
        return
    size = split.inputs.shape[1:3]
    try:  # needs a graph of this size: Keras' shape inference accepts shapes that Concatenate then refuses
        tf.function(network).get_concrete_function(
            tf.TensorSpec((1, *size, network.input.shape[-1]), network.input.dtype)
        )
    except (ValueError, TypeError) as error:
        raise InputError(
            f"images of {size[0]} x {size[1]} pixels do not fit the network: {keras_reason(error)}",
            f"resize them to multiples of {grid_of(network)} pixels",
            key="data.resize",
        ) from error


def check_padding(built: BuiltModel, split: Split) -> None:
    """Raise InputError if the shortest example has another answer beside the longest, because padding is read."""
    if not isinstance(split.inputs, Ragged):
        return
    pair = np.array([split.inputs.lengths.argmin(), split.inputs.lengths.argmax()])
    alone, together = (
        np.asarray(main_output(built.network(built.preprocess(split.inputs[rows]), training=False)))[0]
        for rows in (pair[:1], pair)
    )
    beside = together[: len(alone)] if together.ndim else together
    if not np.allclose(alone, beside, atol=_PADDING_TOLERANCE.get(built.network.compute_dtype, 1e-4), equal_nan=False):
        raise InputError(
            "padding changes the answers of this network: the shortest example has another one beside the longest",
            "a builder of your own passes masks with start_mask and masked_call (dlkit/components/layers/_masks.py)",
        )


_PADDING_TOLERANCE = {"bfloat16": 0.05, "float16": 0.01}
