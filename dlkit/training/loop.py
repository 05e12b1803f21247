"""The training loop: phases, epochs and calls of steps, ordinary Keras callbacks, and when to stop.

`fit` costs tens of milliseconds an epoch and cannot continue in the middle of one. Here a batch is a function of the
step (see data/pipeline.py), so a training that continues from a snapshot takes the same steps as without interruption.
"""

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dlkit.errors import InputError
from dlkit.interfaces.reporter import Reporter
from dlkit.machine.interruption import Interrupted, StopRequest, stop_requests
from dlkit.model.groups import learning_rates
from dlkit.recipe.schema import Recipe, ResolvedPhase
from dlkit.runs.directory import RunDirectory
from dlkit.training.callbacks import averaged_weights, close_logs, created_callbacks, restored_epoch, wants_batches
from dlkit.training.devices import ALONE, Group
from dlkit.training.monitors import directions, smaller_is_better
from dlkit.training.prepare import Prepared
from dlkit.training.snapshot import Progress, parse_snapshot, read_snapshot, snapshot_content
from dlkit.training.state import NonFinite, TrainingState
from dlkit.training.steps import Steps, steps_per_call


class Training:
    """One training of a built model.

    steps: those of the current phase, once start() or run_to_end() has been called. state: the contents of a snapshot.
    folder: where callbacks may write; without it, callbacks that write are left out. group: the processes that share
    the training; all of them take the same steps with the same values, and the first writes the run.
    """

    def __init__(self, recipe: Recipe, prepared: Prepared, reporter: Reporter, group: Group = ALONE) -> None:
        self.recipe, self.prepared, self.reporter = recipe, prepared, reporter
        self.group = group
        built = self.built = prepared.built
        self.phases = recipe.resolved_phases()
        self.folder: Path | None = None
        self.monitor = recipe.training.monitor or built.task.monitor
        known = directions(built.task, built.network)
        self.state = TrainingState(smaller_is_better(self.monitor, known, recipe.training.monitor_mode))

    @property
    def progress(self) -> Progress:
        """Return the progress of the training."""
        return self.state.progress

    @property
    def kept_row(self) -> dict[str, Any]:
        """Return the history row of the epoch whose weights the run keeps: the last, or the one a callback restored."""
        restored = restored_epoch(self._callbacks.callbacks)
        rows = [row for row in self.progress.history if row["epoch"] == restored]
        return rows[-1] if rows else self.progress.history[-1]

    @property
    def best_epoch(self) -> int | None:
        """Return the first epoch with the best monitored value, counted from 0; None without validation."""
        rows = [row for row in self.progress.history if row.get(self.monitor) == self.progress.best]
        return rows[0]["epoch"] if rows and self.progress.best_weights else None

    @property
    def phase(self) -> ResolvedPhase:
        """Return the current phase."""
        return self.phases[self.progress.phase]

    def run_to_end(self, run: RunDirectory, resume: bool = False, keep_start: bool = False) -> list[dict[str, Any]]:
        """Train into a run directory to the last epoch, or until a callback stops; return the history.

        keep_start: also save the state before the first step, for initial weights that the recipe's seed does not
        determine. Raises Interrupted when a process is asked to stop, NonFinite, and MissingError for a lost process.
        """
        self.folder, self.state.run = run.path, run
        with stop_requests() as stop, self.group.watched():
            self.start(run if resume else None)
            self.reporter.start(run.path, self.progress.history)
            if resume:
                step, per_epoch = self.progress.step, self.steps.per_epoch
                self.reporter.note(f"continuing {run.path} after {step:,} updates, in epoch {step // per_epoch}")
            if keep_start:
                self.state.save()
            self._run_phases(stop)
        self.state.write_products()
        return self.progress.history

    def follow(self, folder: Path) -> None:
        """Take part in a training that the first process of the group writes; callbacks may write to `folder`."""
        self.folder = folder
        with stop_requests() as stop, self.group.watched():
            self.start()
            self._run_phases(stop)

    def start(self, run: RunDirectory | None = None) -> None:
        """Create all state, and restore it from the newest snapshot of `run` when it has one.

        The first process of a group passes its state on to the others.
        """
        snapshot = read_snapshot(run.path) if run else None
        if self.group.index > 0:
            snapshot = parse_snapshot(self.group.broadcast(b""))
        self.state.progress = Progress(phase=snapshot.progress.phase) if snapshot else Progress()
        self.progress.history = list(snapshot.progress.history) if snapshot else []
        self._enter_phase()
        if snapshot:
            self.state.restore(snapshot)
        if self.group.index == 0 and self.group.size > 1:
            self.group.broadcast(bytes(snapshot_content(self.state.captured())))

    def _run_phases(self, stop: StopRequest) -> None:
        self._run_phase(stop)
        while self.progress.phase + 1 < len(self.phases):
            self._next_phase()
            self.state.save()  # so that no replay or continuation starts in a finished phase
            self._run_phase(stop)

    def _enter_phase(self) -> None:
        """Compile for the phase and create its callbacks and variables."""
        self.steps = Steps(self.recipe, self.prepared, self.phase, self.group)
        callbacks = created_callbacks(self.phase, self.steps.network, self.folder, len(self.progress.history))
        self._callbacks = keras.callbacks.CallbackList(
            callbacks, model=self.steps.network, epochs=self.phase.epochs, steps=self.steps.per_epoch, verbose=0
        )
        self._every_step = any(wants_batches(callback) for callback in callbacks)
        self._steps_per_call = 1
        self.state.enter(self.steps, self._callbacks)
        if len(self.phases) > 1:
            trained = self.phase.trainable if isinstance(self.phase.trainable, str) else ", ".join(self.phase.trainable)
            place = f"phase {self.progress.phase + 1} of {len(self.phases)}"
            self.reporter.note(f"{place}: {self.phase.epochs} epochs, trainable: {trained}")
        self.steps.network.stop_training = False
        self._callbacks.on_train_begin()

    def _next_phase(self) -> None:
        self.progress.phase += 1
        self.progress.phase_start = self.progress.step
        self.progress.stopped = False
        self._enter_phase()

    def _run_phase(self, stop: StopRequest) -> None:
        """Train to the phase's last epoch or until a callback stops it."""
        progress, per_epoch, network = self.progress, self.steps.per_epoch, self.steps.network
        last = progress.phase_start + self.phase.epochs * per_epoch
        stream = self.steps.stream(progress.step, last)
        while progress.step < last and not progress.stopped:
            epoch = progress.step // per_epoch
            started = time.perf_counter()
            if progress.step % per_epoch == 0:
                self._callbacks.on_epoch_begin(epoch)
            self.reporter.begin(epoch, progress.step % per_epoch, per_epoch)
            logs = self._one_epoch(epoch, stream, stop)
            self._end_epoch(epoch, logs, started)
            if self.group.any_of(stop.requested):
                self._interrupt()
        # Averages first, so that a callback restores the weights that were validated.
        network.optimizer.finalize_variable_values(network.trainable_variables)
        self._callbacks.on_train_end()

    def _one_epoch(self, epoch: int, stream: Any, stop: StopRequest) -> dict[str, float]:
        """Take the remaining steps of the epoch, several in one call."""
        progress, per_epoch = self.progress, self.steps.per_epoch
        end, logs = (epoch + 1) * per_epoch, dict[str, float]()
        while progress.step < end:
            count = 1 if self._every_step else min(self._steps_per_call, self._next_stop(end) - progress.step)
            started = time.perf_counter()
            logs = self._take(stream, count)
            proposed = steps_per_call(count, time.perf_counter() - started)
            self.reporter.progress(epoch, progress.step - epoch * per_epoch, per_epoch, logs)
            self._steps_per_call, stopping = self.group.agreed(proposed, stop.requested)
            if progress.step < end:
                if stopping:
                    self._interrupt()
                self._save_within_epoch()
        return logs

    def _take(self, stream: Any, count: int) -> dict[str, float]:
        """Take `count` steps in one call; return the epoch's metrics so far. Raises NonFinite."""
        progress = self.progress
        batch = progress.step % self.steps.per_epoch
        if self._every_step:
            self._callbacks.on_train_batch_begin(batch)
        logs = self.steps.take(stream, count, fresh=batch == 0)
        progress.step += count
        if progress.step == 1:
            self.state.note_first_step(logs["loss"])
        if not np.isfinite(logs["loss"]):
            raise NonFinite(progress.step)
        if self._every_step:
            self._callbacks.on_train_batch_end(batch, logs)
        return logs

    def _next_stop(self, end: int) -> int:
        """Return the step where the next call must end: the epoch's end, or the next one due by `snapshot.steps`."""
        every = self.recipe.training.snapshot.steps
        return min(end, (self.progress.step // every + 1) * every) if every else end

    def _save_within_epoch(self) -> None:
        snapshot = self.recipe.training.snapshot
        if snapshot.steps and self.progress.step % snapshot.steps == 0:
            self.state.save()
        else:
            self.state.save_when_due(60 * snapshot.minutes)

    def _end_epoch(self, epoch: int, logs: dict[str, float], started: float) -> None:
        self.state.check_weights()
        logs = self._validated(logs)
        seconds = time.perf_counter() - started
        with averaged_weights(self._callbacks.callbacks):
            self._callbacks.on_epoch_end(epoch, logs)
        phase = {"phase": self.progress.phase} if len(self.phases) > 1 else {}
        rates = learning_rates(self.steps.network.optimizer)
        row = {"epoch": epoch, **phase, **logs, **rates, "seconds": round(seconds, 3)}
        self.state.add_epoch(row)
        self.reporter.epoch_done(epoch, row)
        self.state.save_when_due(0)

    def _validated(self, logs: dict[str, float]) -> dict[str, float]:
        """Return an epoch's metrics with those on validation, and keep the weights if they are the best."""
        if self.prepared.splits.validation is None:
            return logs
        self._callbacks.on_test_begin()
        found = self.steps.validate() or {}
        logs = logs | {f"val_{name}": value for name, value in found.items()}
        if self.monitor not in logs:
            raise InputError(f"training.monitor: there is no metric {self.monitor!r}", f"allowed: {', '.join(logs)}")
        self.state.keep_best(logs[self.monitor])  # before on_test_end: a callback may swap the validated weights out
        self._callbacks.on_test_end(found)
        return logs

    def _interrupt(self) -> None:
        self.state.save()
        run = self.state.run
        close_logs(self._callbacks.callbacks)
        raise Interrupted(
            f"stopped after {self.progress.step} updates; everything is saved in {run.path}" if run else "stopped",
            f"continue with: {run.resume_command}" if run else "",
        )
