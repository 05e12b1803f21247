"""Check before training that the head of a built network, its loss and its metrics fit together.

What is known of Keras' losses and metrics is in judges.py; what nobody can list is found by pushing a batch of made-up
outputs through them.
"""

import keras
import numpy as np

from dlkit.catalog.create import locate
from dlkit.errors import InputError, located
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import main_output
from dlkit.model.built import BuiltModel, is_penalty
from dlkit.training.judges import check_loss, check_metric, place_of

EXAMPLES = 8
SOFTMAX, SIGMOID = ("softmax", "sparsemax"), ("sigmoid", "hard_sigmoid", "sparse_sigmoid")
# Layers that keep the values of the layer before them.
_PASSING = ("Flatten", "Reshape", "Permute", "Identity", "Dropout", "Cropping2D", "CropLike", "RepeatVector")


def check_heads(built: BuiltModel, name: str) -> None:
    """Raise InputError where a head, the loss or a metric cannot work, at its place in the recipe.

    name: the task's, for the key of the problem.
    """
    outputs = built.network.output if isinstance(built.network.output, dict) else {"output": built.network.output}
    main = main_output(outputs)
    for title, output in outputs.items():
        if is_penalty(output):
            continue
        layer, activation = head_of(output)
        try:
            _check_shape(title, output, main)
            _check_constant(output, layer, activation)
            if built.task.predicts_classes:
                _check_range(built, output, layer, activation)
        except InputError as error:
            raise located(error, locate(layer)) from error
    _check_judges(built, main, f"task.{name}")


def _check_judges(built: BuiltModel, output: keras.KerasTensor, key: str) -> None:
    """Raise InputError, with its place, for a loss or metric that does not fit."""
    targets, outputs = _made_up(built, output)
    loss = built.task.loss_for(built.network)
    try:
        check_loss(built.task, loss, targets, outputs, head_of(output)[1])
    except InputError as error:
        raise place_of(error, loss, f"{key}.loss") from error
    for metric in built.task.metrics_for(built.network):
        try:
            check_metric(built.task, metric, targets, outputs)
        except InputError as error:
            raise place_of(error, metric, f"{key}.metrics") from error


def head_of(output: keras.KerasTensor) -> tuple[keras.layers.Layer, str | None]:
    """Return the last layer that changes an output's values, and its activation: None where it is not known."""
    operation = output._keras_history.operation
    if isinstance(operation, keras.Model):
        index = output._keras_history.tensor_index
        inner = operation.outputs[index] if hasattr(operation, "outputs") else None
        return head_of(inner) if inner is not None else (operation, None)
    name = type(operation).__name__
    if name in _PASSING:
        return head_of(operation.input)
    if name == "Softmax":
        return operation, "softmax"
    if name == "ReLU":
        return operation, "relu"
    function = getattr(operation, "activation", None)
    return operation, getattr(function, "__name__", None)


def _check_shape(name: str, output: keras.KerasTensor, main: keras.KerasTensor) -> None:
    if tuple(output.shape[1:]) != tuple(main.shape[1:]):
        raise InputError(
            f"the output {name!r} returns {list(output.shape[1:])}, but its targets have {list(main.shape[1:])}",
            "give it the same number of units as the last layer",
        )


def _check_constant(output: keras.KerasTensor, layer: keras.layers.Layer, activation: str | None) -> None:
    if activation in SOFTMAX and output.shape[-1] == 1 and getattr(layer, "axis", -1) == -1:
        raise InputError(
            f"{activation} over one unit is always 1, so the network cannot learn",
            "use activation: sigmoid, or one unit for each class",
        )


def _check_range(
    built: BuiltModel, output: keras.KerasTensor, layer: keras.layers.Layer, activation: str | None
) -> None:
    """Raise InputError for logits where the loss takes probabilities, and the reverse."""
    task, one = built.task, output.shape[-1] == 1
    wanted = "sigmoid" if one else "softmax"
    proper = activation in (SIGMOID if one else SOFTMAX)
    if activation is None:
        proper = _are_probabilities(built)
    if task.from_logits and (proper or activation in SOFTMAX + SIGMOID):
        raise InputError(
            f"the loss takes logits, but {activation or type(layer).__name__} makes them probabilities",
            "remove from_logits, or the last activation",
        )
    if not task.from_logits and not proper:
        loss = "BinaryCrossentropy" if one else "CategoricalCrossentropy"
        raise InputError(
            f"the last layer ends in {_named(layer, activation)}, but the loss takes probabilities"
            + ("" if one else " that sum to 1"),
            f"use activation: {wanted}, or a loss for logits: {{{loss}: {{from_logits: true}}}}",
        )


def _named(layer: keras.layers.Layer, activation: str | None) -> str:
    if activation is None:
        return f"{type(layer).__name__}, whose outputs are not probabilities"
    return "no activation" if activation == "linear" else f"activation {activation}"


def _are_probabilities(built: BuiltModel) -> bool:
    """Return whether the network's outputs for random inputs are from 0 to 1 and, of several classes, sum to 1."""
    spec = ArraySpec(tuple(built.network.input.shape[1:]), built.network.input.dtype)
    inputs = np.random.default_rng(0).normal(size=(EXAMPLES, *_sides(spec.shape))).astype(spec.dtype)
    outputs = np.asarray(main_output(built.network(inputs, training=False)), np.float64)
    inside = bool(((outputs >= -1e-2) & (outputs <= 1 + 1e-2)).all())
    return inside and (outputs.shape[-1] == 1 or bool(np.allclose(outputs.sum(-1), 1, atol=2e-2)))


def _sides(shape: tuple[int | None, ...]) -> list[int]:
    return [64 if size is None else size for size in shape]


def _made_up(built: BuiltModel, output: keras.KerasTensor) -> tuple[np.ndarray, np.ndarray]:
    """Return targets as the loss expects them, and outputs as the head could give them."""
    draws, task = np.random.default_rng(0), built.task
    shape = [8 if size is None else size for size in output.shape[1:]]
    values = draws.normal(size=(EXAMPLES, *shape)).astype(keras.config.floatx())
    activation = head_of(output)[1]
    if task.predicts_classes and not task.from_logits:
        activation = "sigmoid" if shape[-1] == 1 else "softmax"
    known = getattr(keras.activations, activation or "", None)
    outputs = values if known is None else np.asarray(known(values))
    if task.predicts_classes:
        classes = len(built.class_names)
        raw = draws.integers(0, classes, (EXAMPLES, *shape[:-1]))
        raw.flat[:classes] = np.arange(min(classes, raw.size))
    elif task.spells is not None:
        raw = draws.integers(0, len(built.class_names), (EXAMPLES, shape[0] // 2))
    else:
        raw = draws.uniform(size=(EXAMPLES, *shape)).astype(keras.config.floatx())
    return np.asarray(task.prepare_targets(raw, raw, built.network)), outputs
