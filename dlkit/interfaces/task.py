"""What every task offers; nothing outside a task file branches on the task."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from dlkit.interfaces.data import Description


@dataclass(frozen=True)
class TargetSpec:
    """What a network must predict: shape of one prepared target, and class names where targets are classes."""

    shape: tuple[int | None, ...]
    class_names: tuple[str, ...] = ()


class Task(ABC):
    """Base class of a file in components/tasks/: a dataclass whose fields are the settings a recipe may give.

    monitor: the validation metric whose best epoch is kept. stratified: whether held-out examples have the same share
    of every class. moves_targets: whether raw targets are pixels, which augmentation moves together with the inputs.
    scores: the output whose largest entry names the class. loss_weights: by the name of an output; 1 for the others.
    """

    monitor = "val_loss"
    stratified = False
    moves_targets = False
    scores: str | None = None
    loss_weights: Mapping[str, float] = MappingProxyType({})

    @abstractmethod
    def target_spec(self, description: Description) -> TargetSpec:
        """Return what the network must predict for this data; InputError when the data does not suit the task."""

    @abstractmethod
    def check(self, network: keras.Model, targets: TargetSpec) -> None:
        """Raise InputError when the network's `output` does not suit the targets."""

    @abstractmethod
    def prepare_targets(self, targets: Any, inputs: Any, network: keras.Model) -> Any:
        """Return raw targets of a batch as the loss wants them; `inputs` are preprocessed, before any corruption."""

    def sample_weights(self, targets: Any, hidden: Any) -> Any:
        """Return the weight of each value in the loss, from raw targets and the mask of hidden inputs (or None).

        None stands for 1 everywhere.
        """
        del targets, hidden

    @abstractmethod
    def loss_for(self, network: keras.Model) -> Any:
        """Return the keras loss of `output` and of auxiliary predictions."""

    @abstractmethod
    def metrics_for(self, network: keras.Model) -> list[Any]:
        """Return the keras metrics of `output`."""

    @abstractmethod
    def outputs(self, output: Any) -> dict[str, Any]:
        """Return the named, decoded tensors that evaluation, predict and export give for a batch of `output`."""

    @abstractmethod
    def describe_prediction(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> dict[str, Any]:
        """Return one example's decoded outputs as JSON, for predict."""

    def prediction_columns(self, described: Mapping[str, Any]) -> dict[str, str]:
        """Return one described prediction as cells by column, for predict on a terminal."""
        return {"values": str(described["values"])}

    def picture(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> Any:
        """Return one example's outputs as a PIL image, for predict; None where targets are not pixels."""
        del outputs, class_names

    @abstractmethod
    def report(self, batches: Iterable["Examined"], class_names: tuple[str, ...]) -> "Report":
        """Return tables and figures of one split, from its batches in order."""


@dataclass(frozen=True)
class Examined:
    """A batch that the network has seen, as arrays (n, ...).

    inputs: resized, otherwise as the source gives them; seen: what the network got, corrupted and preprocessed;
    targets: raw; expected: targets as the loss wants them; outputs: the task's own, by name. weights: what each value
    of the loss counts, None where all count the same; network: what has seen the batch, for a task that looks inside.
    """

    inputs: np.ndarray
    seen: np.ndarray
    targets: np.ndarray
    expected: np.ndarray
    outputs: Mapping[str, np.ndarray]
    weights: np.ndarray | None = None
    network: Any = None


@dataclass(frozen=True)
class Report:
    """What evaluation shows beside the metrics: a table with one row per `rows_are`, and figures by file name.

    metrics: further ones that are no average over batches, such as those of a baseline.
    """

    table: list[dict[str, Any]]
    figures: Mapping[str, Any]
    rows_are: str = "class"
    metrics: Mapping[str, float] = field(default_factory=dict)


def main_output(outputs: Any) -> Any:
    """What is evaluated, predicted and exported: the entry `output` of several, or the only one."""
    return outputs["output"] if isinstance(outputs, Mapping) else outputs


def joined(batches: Iterable[Examined], output: str) -> tuple[np.ndarray, np.ndarray]:
    """Raw targets and one of the outputs of a whole split."""
    parts = [(batch.targets, batch.outputs[output]) for batch in batches]
    targets, outputs = zip(*parts, strict=True)
    return np.concatenate(targets), np.concatenate(outputs)
