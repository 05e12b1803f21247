"""Check a task's loss and metrics: whether they fit the targets, and whether they can judge made-up outputs at all."""

import inspect
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.catalog.create import locate
from dlkit.errors import InputError, keras_reason
from dlkit.interfaces.task import Task, takes_logits

# Losses of Keras for other kinds of targets, and what each needs.
_OF_OTHER_TARGETS = {"CTC": "sequences of labels", "Circle": "embeddings with class indices"}
_OF_INDICES = ("Sparse", "CategoricalGeneralizedCrossEntropy")
# Losses whose minimum says nothing when there is one unit.
_OF_SEVERAL = ("Categorical", "KLDivergence", "CosineSimilarity", "TopK", "OneHot")
_OF_CLASSES = ("Categorical", "Hinge", "SquaredHinge")
_OF_SHARES = ("BinaryCrossentropy", "BinaryFocalCrossentropy", "KLDivergence", "Dice", "Tversky")
_CLASS_METRICS = ("accuracy_metrics", "confusion_metrics", "f_score_metrics", "hinge_metrics", "iou_metrics")


def check_loss(task: Task, loss: Any, targets: np.ndarray, outputs: np.ndarray, activation: str | None) -> None:
    """Raise InputError for a loss that does not fit the targets, or that gives no gradient for made-up outputs."""
    name = _keras_name(loss)
    _refuse(*(_class_loss(name, outputs) if task.predicts_classes else _value_loss(name, loss, activation)))
    tensor = tf.constant(outputs)
    try:
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            value = loss(targets, tensor)
        gradient = tape.gradient(value, tensor)
    except (ValueError, TypeError, AttributeError, tf.errors.OpError) as error:
        raise InputError(f"{type(loss).__name__} does not fit this output: {keras_reason(error)}", OTHER) from error
    if np.shape(value) != ():
        raise InputError(
            f"{type(loss).__name__} returns {list(np.shape(value))} values, not one", "remove its reduction"
        )
    if not np.isfinite(value):
        raise InputError(f"{type(loss).__name__} is not finite for outputs of this head", POSITIVE)
    if gradient is None or not np.any(np.asarray(tf.convert_to_tensor(gradient))):
        raise InputError(f"{type(loss).__name__} does not depend on this output, so nothing is learned", OTHER)


OTHER = "use another loss, or remove it to use the task's own"
POSITIVE = "use another loss, or end the network with an activation such as softplus or sigmoid"


def _refuse(problem: str, hint: str = OTHER) -> None:
    if problem:
        raise InputError(problem, hint)


def _class_loss(name: str, outputs: np.ndarray) -> tuple[str, ...]:
    if name in _OF_OTHER_TARGETS:
        return (f"{name} needs {_OF_OTHER_TARGETS[name]}, but the targets are one class each",)
    if name.startswith(_OF_INDICES):
        return f"{name} takes class indices, but the targets are one-hot", "use CategoricalCrossentropy"
    if outputs.shape[-1] == 1 and name.startswith(_OF_SEVERAL):
        return f"{name} compares several units, but the network has one", "use BinaryCrossentropy"
    return ("",)


def _value_loss(name: str, loss: Any, activation: str | None) -> tuple[str, ...]:
    if name in _OF_OTHER_TARGETS:
        return (f"{name} needs {_OF_OTHER_TARGETS[name]}, but the targets are values",)
    if name.startswith((*_OF_INDICES, *_OF_CLASSES)):
        return f"{name} needs classes, but the targets are values", "use MeanSquaredError, or task: classification"
    if takes_logits(loss):
        return "the task compares values, not logits", "remove from_logits and end with activation: sigmoid"
    if name in _OF_SHARES and activation in ("linear", "relu", "tanh", "elu", "selu", "leaky_relu", "gelu", "silu"):
        return f"{name} needs outputs from 0 to 1, but the last activation is {activation}", "use activation: sigmoid"
    return ("",)


def check_metric(task: Task, metric: Any, targets: np.ndarray, outputs: np.ndarray) -> None:
    """Raise InputError for a metric that does not fit the targets, or that fails on made-up outputs."""
    name = _keras_name(metric)
    if "y_pred" not in inspect.signature(type(metric).update_state).parameters:
        raise InputError(f"{name} does not compare predictions with targets", REMOVE)
    if takes_logits(metric) and not task.from_logits:
        raise InputError(f"{name} takes logits, but the network does not end in logits", "remove its from_logits")
    _refuse(*(_class_metric(name, metric, outputs) if task.predicts_classes else _value_metric(name, metric)))
    try:
        metric.update_state(targets, outputs)
        result = metric.result()
        metric.reset_state()
    except (ValueError, TypeError, AttributeError, tf.errors.OpError) as error:
        raise InputError(f"{type(metric).__name__} does not fit this output: {keras_reason(error)}", REMOVE) from error
    if isinstance(result, dict) or np.shape(result) != ():
        hint = "set average: macro, or another average" if hasattr(metric, "average") else REMOVE
        raise InputError(f"{type(metric).__name__} gives several values, not one", hint)
    if not np.isfinite(result):
        raise InputError(f"{type(metric).__name__} is not finite for outputs of this head", REMOVE)


REMOVE = "use another metric, or remove it"


def _class_metric(name: str, metric: Any, outputs: np.ndarray) -> tuple[str, ...]:
    one = outputs.shape[-1] == 1
    if name == "Accuracy":
        return "Accuracy counts equal values, not equal classes", "remove it: accuracy is measured already"
    if name.startswith("Sparse"):
        return f"{name} takes class indices, but the targets are one-hot", f"use {_for_one_hot(name, one)}"
    if one and name.startswith(_OF_SEVERAL):
        return f"{name} compares several units, but the network has one", f"use {_for_one_hot(name, one)}"
    if not one and name in ("BinaryAccuracy", "BinaryIoU"):
        better = {"BinaryAccuracy": "accuracy, which is measured already", "BinaryIoU": "OneHotMeanIoU"}[name]
        return f"{name} judges every unit by itself, but the classes exclude each other", f"use {better}"
    if name in ("IoU", "MeanIoU") and (one or metric.sparse_y_true or metric.sparse_y_pred):
        return (
            f"{name} takes class indices, but the targets are one-hot",
            f"use {'BinaryIoU' if one else 'OneHot' + name}",
        )
    return ("",)


def _for_one_hot(name: str, one: bool) -> str:
    plain = name.removeprefix("Sparse")
    if not one:
        return plain
    return "BinaryCrossentropy" if "Crossentropy" in plain else "BinaryAccuracy" if "Accuracy" in plain else "BinaryIoU"


def _value_metric(name: str, metric: Any) -> tuple[str, ...]:
    of_classes = type(metric).__module__.startswith("keras.") and type(metric).__module__.endswith(_CLASS_METRICS)
    if not name.startswith("Binary") and (of_classes or name.startswith(("Categorical", "Sparse"))):
        return f"{name} needs classes, but the targets are values", "use MeanAbsoluteError, or task: classification"
    return ("",)


def _keras_name(judge: Any) -> str:
    """Return the name of Keras' class, or an empty string for one of another origin."""
    kind = type(getattr(judge, "weighted", judge))
    return kind.__name__ if kind.__module__.startswith("keras.") else ""


def place_of(error: InputError, judge: Any, key: str) -> InputError:
    """Return an error at the position of a loss or metric in the recipe, or else with the key of its setting."""
    problem = error.problems[0]
    place = locate(judge) if isinstance(judge, keras.losses.Loss | keras.metrics.Metric) else None
    return InputError(problem.message, problem.hint, key=key, location=place)
