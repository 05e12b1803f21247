"""Attach optimizer, losses and metrics to a network, phase by phase."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from dlkit.catalog.create import Component, create_at
from dlkit.catalog.find import source
from dlkit.components.losses._penalty import Penalty
from dlkit.interfaces.task import Task
from dlkit.model.built import BuiltModel, is_penalty
from dlkit.model.groups import check_names, grouped_optimizer, set_trainable
from dlkit.recipe.schema import Recipe, ResolvedPhase


def compile_model(
    built: BuiltModel, recipe: Recipe, phase: ResolvedPhase | None = None, steps: int | None = None
) -> keras.Model:
    """Attach a phase's optimizer and the task's losses and metrics to the network; return the network.

    The phase (by default the last one) also sets which groups of layers are trained, and their learning rates. steps:
    the number of updates in the phase, for a schedule that spans all of them.
    """
    chosen = phase or recipe.resolved_phases()[-1]
    chosen = replace(chosen, optimizer=_spanned(chosen.optimizer, steps)) if steps else chosen
    set_trainable(built.network, chosen.trainable)

    def optimizer(**settings: Any) -> Any:
        return create_at(replace(chosen.optimizer, settings=chosen.optimizer.settings | settings))

    return compile_for(built.network, built.task, grouped_optimizer(built.network, optimizer, chosen.learning_rates))


def spans_training(optimizer: Component) -> bool:
    """Return whether the optimizer has a schedule that spans all steps, so that its rates depend on the epochs."""
    schedule = optimizer.settings.get("learning_rate")
    if not isinstance(schedule, Component):
        return False
    takes = "total_steps" in source(schedule.namespace, schedule.name).parameters
    return takes and schedule.settings.get("total_steps") is None


def _spanned(optimizer: Component, steps: int) -> Component:
    """Set the total_steps of the optimizer's schedule, where it has one that does not give them."""
    if not spans_training(optimizer):
        return optimizer
    schedule = optimizer.settings["learning_rate"]
    schedule = replace(schedule, settings=schedule.settings | {"total_steps": steps})
    return replace(optimizer, settings=optimizer.settings | {"learning_rate": schedule})


def compile_for(network: keras.Model, task: Task, optimizer: Any) -> keras.Model:
    """Attach an optimizer and the task's losses and metrics to a network; return the network."""
    loss: Any = task.loss_for(network)
    metrics: Any = task.metrics_for(network)
    names = list(network.output) if isinstance(network.output, Mapping) else ["output"]
    check_names("loss_weights", task.loss_weights, names)
    weights: Any = [task.loss_weights.get(name, 1.0) for name in names]
    if isinstance(network.output, Mapping):
        loss = {name: Penalty() if is_penalty(output) else loss for name, output in network.output.items()}
        metrics, weights = {"output": metrics}, dict(zip(names, weights, strict=True))
    network.compile(
        optimizer=optimizer,
        loss=loss,
        loss_weights=weights if task.loss_weights else None,
        weighted_metrics=metrics,
        # XLA is slower than oneDNN kernels on a CPU and takes tens of seconds to compile.
        jit_compile="auto" if tf.config.list_physical_devices("GPU") else False,
    )
    if isinstance(network.output, Mapping):
        _weigh_by_examples(network)
    return network


def _weigh_by_examples(network: keras.Model) -> None:
    """Make the loss of each output a mean over examples.

    In a graph that does not know the batch size, Keras weights every batch equally, so a small last batch counts as
    much as a full one.
    """
    losses = network._compile_loss
    plain = losses.call

    def call(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if not losses.built:
            losses.build(y_true, y_pred)
        size = keras.ops.shape(keras.tree.flatten(y_pred)[0])[0]
        for tracker in losses.metrics:
            tracker.update_state = partial(_counted, tracker, size)
        return plain(y_true, y_pred, sample_weight)

    losses.call = call


def _counted(tracker: Any, examples: Any, value: Any, sample_weight: Any = None) -> None:
    del sample_weight  # None in a graph
    type(tracker).update_state(tracker, value, sample_weight=examples)


def measure(network: Any, x: Any, y: Any, outputs: Any, weights: Any = None, training: bool = False) -> Any:
    """Return the loss of a batch; update a compiled network's loss and metrics with it, as Keras' own steps do."""
    loss = network.compute_loss(x, y, outputs, weights, training=training)
    network._loss_tracker.update_state(loss, sample_weight=tf.shape(tf.nest.flatten(x)[0])[0])
    network.compute_metrics(x, y, outputs, weights)
    return loss


def metric_names(logs: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as floats; with several outputs, those of the main one lose the prefix `output_`."""
    numbers = {name: float(value) for name, value in logs.items()}
    return {name if name.endswith("_loss") else name.removeprefix("output_"): numbers[name] for name in numbers}
