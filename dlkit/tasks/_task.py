"""What every task offers; nothing outside a task file branches on the task."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import keras
import numpy as np

from dlkit.datasets._dataset import Description


@dataclass(frozen=True)
class TargetSpec:
    """What a network must predict: shape of one prepared target, and class names where targets are classes."""

    shape: tuple[int | None, ...]
    class_names: tuple[str, ...] = ()


class Task(Protocol):
    """A file in dlkit/tasks/: a dataclass whose fields are the settings a recipe may give.

    moves_targets: raw targets are pixels, which augmentation moves together with the inputs.
    loss_weights: by the name of an output; what is not named counts 1.
    """

    monitor: str
    stratified: bool
    moves_targets: bool
    scores: str | None
    loss_weights: Mapping[str, float]

    def target_spec(self, description: Description) -> TargetSpec:
        """What the network must predict for this data; raises InputError when the data does not suit the task."""

    def check(self, network: keras.Model, targets: TargetSpec) -> None:
        """Raise InputError when the network's `output` does not suit the targets."""

    def prepare_targets(self, targets: Any, inputs: Any, network: keras.Model) -> Any:
        """Raw targets of a batch as the loss wants them; `inputs` are preprocessed, before any corruption."""

    def sample_weights(self, targets: Any, hidden: Any) -> Any:
        """What each value of the loss counts, from raw targets and the mask of hidden inputs (or None); None for 1."""

    def loss_for(self, network: keras.Model) -> Any:
        """The keras loss of `output` and of auxiliary predictions."""

    def metrics_for(self, network: keras.Model) -> list[Any]:
        """The keras metrics of `output`."""

    def outputs(self, output: Any) -> dict[str, Any]:
        """The named, decoded tensors that evaluation, predict and export give for a batch of `output`."""

    def describe_prediction(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> dict[str, Any]:
        """One example's decoded outputs as JSON, for predict."""

    def picture(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> Any:
        """One example's outputs as a PIL image, for predict; only where targets are pixels."""

    def report(self, batches: Iterable["Examined"], class_names: tuple[str, ...]) -> "Report":
        """Tables and figures of one split, from its batches in order."""


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
