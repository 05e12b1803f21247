"""The interface of tasks; no code outside a task file depends on the kind of task."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from dlkit.errors import InputError
from dlkit.interfaces.data import Description, Split


@dataclass(frozen=True)
class TargetSpec:
    """What a network must predict: the shape of one prepared target, and class names if targets are classes.

    others: the number of outputs after those of the classes, such as the blank of CTC.
    """

    shape: tuple[int | None, ...]
    class_names: tuple[str, ...] = ()
    others: int = 0


class Task(ABC):
    """Base class of the files in components/tasks/: a dataclass whose fields are the settings that a recipe may give.

    monitor: the validation metric that selects the best epoch. stratified: whether held-out examples have the same
    share of every class. moves_targets: whether raw targets are pixels, which augmentation transforms together with the
    inputs. scores: the output whose largest entry is the predicted class. predicts_classes: whether targets are one-hot
    classes and outputs their probabilities, or logits if the loss takes them. has_units: whether a last layer that
    inverts a normalization gives outputs in the units of the targets. spells: the output of class indices, -1 for none,
    whose classes in order are the predicted text. loss: the recipe's, None for the task's own.
    loss_weights: by output name; 1 for others.
    """

    monitor = "val_loss"
    stratified = False
    moves_targets = False
    scores: str | None = None
    spells: str | None = None
    has_units = False
    predicts_classes = False
    loss: Any = None
    loss_weights: Mapping[str, float] = MappingProxyType({})

    @property
    def from_logits(self) -> bool:
        """Return whether the recipe's loss takes logits; the network then ends without softmax or sigmoid."""
        return takes_logits(self.loss)

    @abstractmethod
    def target_spec(self, description: Description) -> TargetSpec:
        """Return what the network must predict for this data; raise InputError if the data does not fit the task."""

    @property
    def measures_balance(self) -> bool:
        """Return whether the recipe cares for rare classes: by class weights, or by a metric besides accuracy."""
        added = [metric for metric in getattr(self, "metrics", []) if not isinstance(metric, str)]
        return bool(added) or getattr(self, "class_weights", None) is not None

    def fitted(self, class_names: tuple[str, ...], counts: Sequence[int]) -> "Task":
        """Return the task with what it takes from train; counts: its examples by class, empty without classes."""
        del class_names, counts
        return self

    @abstractmethod
    def check(self, network: keras.Model, targets: TargetSpec) -> None:
        """Raise InputError if the network's `output` does not fit the targets."""

    def check_examples(self, split: Split, name: str, outputs_of: Callable[[np.ndarray], Any]) -> None:
        """Raise InputError for an example of a split that can never be predicted.

        outputs_of: returns the network's output for a batch of raw inputs.
        """
        del split, name, outputs_of

    @abstractmethod
    def prepare_targets(self, targets: Any, inputs: Any, network: keras.Model) -> Any:
        """Return a batch's raw targets in the form the loss expects; `inputs` are preprocessed but not corrupted."""

    def sample_weights(self, targets: Any, hidden: Any) -> Any:
        """Return the weight of each value in the loss, from raw targets and the mask of hidden inputs (or None).

        None means that all weights are 1.
        """
        del targets, hidden

    @abstractmethod
    def loss_for(self, network: keras.Model) -> Any:
        """Return the Keras loss of `output` and of auxiliary predictions."""

    @abstractmethod
    def metrics_for(self, network: keras.Model) -> list[Any]:
        """Return the Keras metrics of `output`."""

    @abstractmethod
    def outputs(self, output: Any) -> dict[str, Any]:
        """Return the named, decoded tensors of a batch of `output`, as used by evaluation, predict and export."""

    def undecoded(self, outputs: Mapping[str, Any], network: keras.Model) -> Any:
        """Return the network's `output` for decoded outputs, up to what no metric sees; an export gives only these.

        The first of `outputs` is the output itself, or its probabilities: of both classes for a single unit, and also
        where the output is logits, which are their logarithms (of the odds for independent units).
        """
        values = next(iter(outputs.values()))
        units = main_output(network.output).shape[-1]
        if units == 1 and values.shape[-1] == 2:
            values = values[..., 1:]
        if not (self.from_logits and self.predicts_classes):
            return values
        tiny = keras.config.epsilon()
        logarithm = np.log(np.maximum(values, tiny))
        return logarithm - np.log(np.maximum(1 - values, tiny)) if units == 1 else logarithm

    @abstractmethod
    def describe_prediction(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> dict[str, Any]:
        """Return one example's decoded outputs as JSON data, for predict."""

    def prediction_columns(self, described: Mapping[str, Any]) -> dict[str, str]:
        """Return the table cells of one described prediction by column, for predict in a terminal."""
        return {"values": str(described["values"])}

    def picture(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> Any:
        """Return one example's outputs as a PIL image, for predict; None if targets are not pixels."""
        del outputs, class_names

    @abstractmethod
    def report(self, batches: Iterable["Examined"], class_names: tuple[str, ...]) -> "Report":
        """Return the tables and figures of one split from its batches, in order."""


@dataclass(frozen=True)
class Examined:
    """An evaluated batch, as arrays (n, ...).

    inputs: as the source provides them, but resized; seen: the network's inputs, corrupted and preprocessed;
    targets: raw; expected: targets in the form the loss expects; outputs: the task's outputs by name. weights: the
    weight of each value in the loss, None if all are equal; network: the network, for tasks that inspect its layers.
    target_names: of targets that are values, if they have names. sampling_rate: of recordings, in Hz.
    """

    inputs: np.ndarray
    seen: np.ndarray
    targets: np.ndarray
    expected: np.ndarray
    outputs: Mapping[str, np.ndarray]
    weights: np.ndarray | None = None
    network: Any = None
    target_names: tuple[str, ...] = ()
    sampling_rate: int | None = None


@dataclass(frozen=True)
class Report:
    """Results of an evaluation besides the metrics: a table with one row per `rows_are`, and figures by file name.

    figures: functions that draw and return a matplotlib Figure; they are called after all results have been written.
    metrics: additional metrics that are not averages over batches, such as those of a baseline.
    answers: arrays (n, ...) of the examples in order, by name, for comparisons of runs: `correct` (bool) or `error`
    (lower is better), and others. worst: arrays (k, ...) of the worst mistakes: their images and what to say of each.
    """

    table: list[dict[str, Any]]
    figures: Mapping[str, Callable[[], Any]]
    rows_are: str = "class"
    metrics: Mapping[str, float] = field(default_factory=dict)
    answers: Mapping[str, np.ndarray] = field(default_factory=dict)
    worst: Mapping[str, np.ndarray] = field(default_factory=dict)


def main_output(outputs: Any) -> Any:
    """Return the main output for evaluation, prediction and export: the entry `output`, or the only output."""
    return outputs["output"] if isinstance(outputs, Mapping) else outputs


def joined(batches: Iterable[Examined], output: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the raw targets and one output of a whole split, concatenated."""
    parts = [(batch.targets, batch.outputs[output]) for batch in batches]
    targets, outputs = zip(*parts, strict=True)
    return np.concatenate(targets), np.concatenate(outputs)


def takes_logits(judge: Any) -> bool:
    """Return whether a Keras loss or metric is configured for logits."""
    settings = {**getattr(judge, "__dict__", {}), **getattr(judge, "_fn_kwargs", {})}
    return bool(settings.get("from_logits") or settings.get("_from_logits"))


def with_added(measured: list[Any], added: Iterable[Any]) -> list[Any]:
    """Return a task's own metrics and the recipe's; one that is measured already, such as accuracy, is not added.

    Raises InputError for the word accuracy in a task that does not measure it.
    """
    kinds = {(type(metric), metric.name) for metric in measured}
    names = [metric.name for metric in measured]
    found = list(measured)
    for metric in added:
        if isinstance(metric, str):
            if metric not in names:
                raise InputError(
                    f"this task has no metric {metric!r}", f"it measures {', '.join(names)}", key="metrics"
                )
        elif (type(metric), metric.name) not in kinds:
            found.append(metric)
    return found
