"""The state that a training's next step depends on, with saving and restoring."""

import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from dlkit.errors import CheckError
from dlkit.files.atomic import write_file
from dlkit.model.digest import weights_digest
from dlkit.runs.directory import RunDirectory
from dlkit.safety.files import first_line
from dlkit.training.snapshot import Progress, Snapshot, callback_state, restore_callback, write_snapshot
from dlkit.training.steps import Steps

SNAPSHOT_COST_SHARE = 0.05


class NonFinite(Exception):
    """The loss or the weights became NaN or infinite somewhere before `step`."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss or the weights became NaN or infinite before step {step}")
        self.step = step


class TrainingState:
    """Progress, variables and callbacks of a training in one of its phases.

    progress: of the training. steps, callbacks: of the current phase, set by enter(). run: where it is saved, if it is.
    """

    def __init__(self, smaller_is_better: bool) -> None:
        self.progress = Progress()
        self.run: RunDirectory | None = None
        self._smaller_is_better = smaller_is_better
        self._saved_at, self._save_cost = time.monotonic(), 0.0

    def enter(self, steps: Steps, callbacks: Any) -> None:
        """Use the variables and the callbacks (a keras CallbackList) of a phase as those to save and restore."""
        self.steps, self.callbacks = steps, callbacks

    def note_first_step(self, loss: float) -> None:
        """Record the first update's loss and a digest of the weights after it, which show where two runs diverge."""
        self.progress.first_step = {"loss": loss, "weights": weights_digest(self.steps.network.variables)}

    def keep_best(self, value: float) -> None:
        """Keep the weights when the monitored value is the best so far; any value is better than NaN."""
        best = self.progress.best
        if best is None or np.isnan(best) or (value < best if self._smaller_is_better else value > best):
            self.progress.best = value
            self.progress.best_weights = _copied(self.steps.network.variables)

    def finite_weights(self) -> bool:
        """Return whether all weights are finite; the loss does not show it, because oneDNN's relu turns NaN into 0."""
        return all(np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in self.steps.network.weights)

    def check_weights(self) -> None:
        """Raise NonFinite if weights are non-finite, before they are validated or saved."""
        if self.progress.step and not self.finite_weights():
            raise NonFinite(self.progress.step)

    def save_when_due(self, seconds: float) -> None:
        """Save at most once per `seconds`, and spend at most SNAPSHOT_COST_SHARE of the time on it."""
        waited = time.monotonic() - self._saved_at
        if waited >= max(seconds, self._save_cost / SNAPSHOT_COST_SHARE):
            self.save()

    def save(self) -> None:
        """Write a snapshot and the history so far."""
        started = time.monotonic()
        self.check_weights()
        if self.run is None:
            return
        self.run.check_in_place()
        write_snapshot(self.run.path, self.captured())
        if self.progress.history:
            self.run.write_csv("history.csv", self.progress.history)
        self._saved_at = time.monotonic()
        self._save_cost = self._saved_at - started

    def captured(self) -> Snapshot:
        """Return a copy of everything that the next step depends on."""
        variables = {group: _copied(values) for group, values in self.steps.variables.items()}
        callbacks = [callback_state(callback) for callback in self.callbacks.callbacks]
        return Snapshot(self.progress, variables, callbacks)

    def restore(self, snapshot: Snapshot) -> None:
        """Restore the values of a snapshot into the variables and callbacks of the phase."""
        try:
            for group, variables in self.steps.variables.items():
                _assign(variables, snapshot.variables[group])
            for callback, state in zip(self.callbacks.callbacks, snapshot.callbacks, strict=True):
                restore_callback(callback, state)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckError(
                f"the newest snapshot does not belong to this training: {first_line(error)}",
                "remove the newest file in snapshots/, or start a new run",
            ) from error
        self.progress = snapshot.progress

    def write_products(self) -> None:
        """Write history.csv, last.keras and best.keras."""
        network, run = self.steps.network, self.run
        assert run is not None  # only the process that writes the run does this
        run.check_in_place()
        run.write_csv("history.csv", self.progress.history)
        write_file(run.path / "last.keras", network.save)
        if self.progress.best_weights:
            last = _copied(network.variables)
            _assign(network.variables, self.progress.best_weights)
            write_file(run.path / "best.keras", network.save)
            _assign(network.variables, last)

    def add_epoch(self, row: Mapping[str, Any]) -> None:
        """Add an epoch to the history, and note whether a callback has stopped the phase."""
        self.progress.history.append(dict(row))
        self.progress.stopped = bool(self.steps.network.stop_training)


def _copied(variables: list[Any]) -> list[np.ndarray]:
    """Return copies that later steps cannot change, because TensorFlow may expose its own memory."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: list[Any], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
