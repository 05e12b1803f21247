"""What every task offers; nothing outside a task file branches on the task."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import keras

from dlkit.datasets._dataset import Description


@dataclass(frozen=True)
class TargetSpec:
    """What a network must predict: shape of one prepared target, and class names where targets are classes."""

    shape: tuple[int | None, ...]
    class_names: tuple[str, ...] = ()


class Task(Protocol):
    """A file in dlkit/tasks/: a dataclass whose fields are the settings a recipe may give."""

    monitor: str
    stratified: bool
    scores: str | None
    loss_weights: Mapping[str, float]

    def target_spec(self, description: Description) -> TargetSpec:
        """What the network must predict for this data; raises InputError when the data does not suit the task."""

    def check(self, network: keras.Model, targets: TargetSpec) -> None:
        """Raise InputError when the network's `output` does not suit the targets."""

    def prepare_targets(self, targets: Any, network: keras.Model) -> Any:
        """Raw targets of a batch as the loss wants them."""

    def loss_for(self, network: keras.Model) -> Any:
        """The keras loss of `output`."""

    def metrics_for(self, network: keras.Model) -> list[Any]:
        """The keras metrics of `output`."""

    def outputs(self, output: Any) -> dict[str, Any]:
        """The named, decoded tensors that evaluation, predict and export give for a batch of `output`."""

    def describe_prediction(self, outputs: Mapping[str, Any], class_names: tuple[str, ...]) -> dict[str, Any]:
        """One example's decoded outputs as JSON, for predict."""

    def report(self, outputs: Mapping[str, Any], targets: Any, class_names: tuple[str, ...]) -> "Report":
        """Tables and figures of one split."""


@dataclass(frozen=True)
class Report:
    """What evaluation shows beside the metrics: a table of rows and figures by file name."""

    table: list[dict[str, Any]]
    figures: Mapping[str, Any]


def main_output(outputs: Any) -> Any:
    """What is evaluated, predicted and exported: the entry `output` of several, or the only one."""
    return outputs["output"] if isinstance(outputs, Mapping) else outputs
