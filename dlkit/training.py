"""The loop: steps of the compiled model, ordinary Keras callbacks, snapshots, and the run's files at the end.

`fit` costs tens of milliseconds an epoch and cannot go on in the middle of one. Here a batch is a function of the step
(see input_pipeline), so a training that goes on from a snapshot takes the very steps that it would have taken.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from dlkit.atomic import write_file
from dlkit.compiled_model import BuiltModel, compile_for, compile_model, create_at, metric_names
from dlkit.components import locate
from dlkit.datasets._dataset import Split
from dlkit.errors import InputError
from dlkit.feature_cache import feature_steps, head_network
from dlkit.fused_kernels import use_fused_kernels
from dlkit.input_pipeline import InputPipeline, TrainSteps, fixed_batch, numbers, steps_per_epoch
from dlkit.interruption import Interrupted, StopRequest, stop_requests
from dlkit.layer_groups import averages_weights, learning_rates
from dlkit.monitors import directions, smaller_is_better
from dlkit.recipe.schema import Recipe, ResolvedPhase
from dlkit.run_directory import RunDirectory
from dlkit.snapshot import Progress, Snapshot, callback_state, read_snapshot, restore_callback, write_snapshot
from dlkit.splits import Splits
from dlkit.weights_digest import weights_digest

SECONDS_PER_CALL = 0.1
SNAPSHOT_COST_SHARE = 0.05


class NonFinite(Exception):
    """The loss or the weights became infinite or no number somewhere before `step`."""

    def __init__(self, step: int) -> None:
        super().__init__(f"loss or weights are not finite before step {step}")
        self.step = step


class Reporter(Protocol):
    """What is told of a training while it runs."""

    def begin(self, epoch: int, steps_done: int, steps: int) -> None:
        """An epoch (counted from 0) begins, or goes on after `steps_done` of its steps."""

    def progress(self, epoch: int, steps_done: int, steps: int, logs: Mapping[str, float]) -> None:
        """Some steps of an epoch are done."""

    def epoch_done(self, epoch: int, row: Mapping[str, float]) -> None:
        """An epoch is done; `row` is its line of the history."""


class Silent:
    """A reporter that tells nobody."""

    def begin(self, epoch: int, steps_done: int, steps: int) -> None:
        """Nothing."""

    def progress(self, epoch: int, steps_done: int, steps: int, logs: Mapping[str, float]) -> None:
        """Nothing."""

    def epoch_done(self, epoch: int, row: Mapping[str, float]) -> None:
        """Nothing."""


@dataclass(frozen=True)
class _Graphs:
    """What a phase runs: where its batches come from, and the graphs that train and test on them."""

    train: TrainSteps
    validation: tf.data.Dataset | None
    run: Callable[[Any, Any, Any], dict[str, Any]]
    test: Callable[[Any, Any, Any], dict[str, Any]]


class Training:
    """One training of a compiled model.

    stepped: what takes the steps of the current phase, the network or, behind a frozen backbone, its head alone.
    """

    def __init__(self, recipe: Recipe, built: BuiltModel, splits: Splits, reporter: Reporter) -> None:
        self.recipe = recipe
        self.settings = recipe.training
        self.phases = recipe.resolved_phases()
        self.built = built
        self.network = built.network
        self.reporter = reporter
        self.splits = splits
        self.monitor = self.settings.monitor or built.task.monitor
        self._smaller_is_better = smaller_is_better(self.monitor, directions(built.task, built.network))
        self.progress = Progress()
        self.steps = self.pipeline.steps(splits.train)
        self._validation = (
            None
            if splits.validation is None
            else self.pipeline.fixed_batches(splits.validation, self._validation_batch(splits.validation))
        )
        self._saved_at = time.monotonic()
        self._save_cost = 0.0

    @property
    def pipeline(self) -> InputPipeline:
        """From examples to batches, with what augments them in the current phase."""
        augment, teacher = self.phases[self.progress.phase].augment, self.built.teacher
        teach = teacher.taught if teacher else None
        return InputPipeline(self.recipe, self.built.prepare, self.built.task.moves_targets, augment, teach)

    def run_to_end(self, run: RunDirectory, resume: bool = False, keep_start: bool = False) -> list[dict[str, Any]]:
        """Train into a run directory, to the last epoch or until a callback stops; the history, or Interrupted.

        keep_start: save the state before the first step too, for weights that the recipe's seed alone does not give.
        """
        self.run = run
        self.start(run if resume else None)
        if keep_start:
            self._snapshot()
        with stop_requests() as stop:
            self._run_phase(stop)
            while self.progress.phase + 1 < len(self.phases):
                self._next_phase()
                self._snapshot()  # what is replayed or gone on with never begins in a phase that has ended
                self._run_phase(stop)
        self._write_products()
        return self.progress.history

    def start(self, run: RunDirectory | None = None) -> None:
        """Create all state, and restore it from the newest snapshot of `run` when it has one."""
        snapshot = read_snapshot(run.path) if run else None
        self.progress = Progress(phase=snapshot.progress.phase) if snapshot else Progress()
        self._enter_phase()
        if snapshot:
            self._restore(snapshot)

    def stream(self, first: int, last: int) -> Any:
        """An iterator over the steps first <= step < last, for one_step."""
        return iter(self._graphs.train.elements(first, last))

    def one_step(self, stream: Any, count: int = 1, fresh: bool = False) -> dict[str, float]:
        """Take `count` batches from the stream; the metrics since the last `fresh` call, which begins an epoch."""
        return metric_names(self._graphs.run(stream, tf.constant(count), tf.constant(fresh)))

    def fixed_step(self) -> Callable[[], Any]:
        """A step on one and the same batch, a teacher's part included, to see what it costs without its input."""
        steps = self.pipeline.train_steps(self.splits.train)
        element = next(iter(steps.elements(0, 1)))
        if isinstance(element, tuple):
            return lambda: self.network.train_step(steps.finish(*element))
        batch = steps.finish(element)
        return lambda: self.network.train_step(batch)

    def repeated(self, step: Callable[[], Any]) -> Callable[[int], Any]:
        """A function that takes a step so many times."""
        run = _step_runner(self.network, lambda _: step(), lambda number: number)
        return lambda count: metric_names(run(iter(numbers(count)), tf.constant(count), tf.constant(False)))

    def _enter_phase(self) -> None:
        """Compile for the phase and create its callbacks, its optimizer's variables and those of the metrics."""
        phase = self.phases[self.progress.phase]
        compile_model(self.built, self.recipe, phase, phase.epochs * self.steps)
        changed = bool(phase.augment or self.recipe.data.corrupt or self.built.teacher)
        head = head_network(self.network, changed)
        self.stepped = compile_for(head, self.built.task, self.network.optimizer) if head else self.network
        use_fused_kernels(self.stepped)
        callbacks = self._created_callbacks(phase)
        self.callbacks = keras.callbacks.CallbackList(
            callbacks, model=self.network, epochs=phase.epochs, steps=self.steps, verbose=0
        )
        self._every_step = any(_wants_batches(callback) for callback in callbacks)
        self._steps_per_call = 1
        self._phase_graphs: _Graphs | None = None
        self._symbolic_build()
        self.network.stop_training = False
        self.callbacks.on_train_begin()

    def _created_callbacks(self, phase: ResolvedPhase) -> list[keras.callbacks.Callback]:
        """The phase's callbacks, with SwapEMAWeights where weights are averaged: what is validated is what is kept."""
        callbacks = [create_at(component) for component in phase.callbacks]
        swaps = [callback for callback in callbacks if isinstance(callback, keras.callbacks.SwapEMAWeights)]
        if averages_weights(self.network.optimizer):
            return callbacks if swaps else [*callbacks, keras.callbacks.SwapEMAWeights()]
        if swaps:
            raise InputError(
                "SwapEMAWeights has no averaged weights to swap in",
                "set use_ema: true in the optimizer",
                location=locate(swaps[0]),
            )
        return callbacks

    @property
    def _graphs(self) -> "_Graphs":
        """The phase's graphs, made when they are needed first: features are those of weights that are restored."""
        if self._phase_graphs is None:
            if self.stepped is self.network:
                train, validation = self.pipeline.train_steps(self.splits.train), self._validation
            else:
                train, validation = feature_steps(self.built, self.recipe, self.splits)
            run = _step_runner(self.stepped, self.stepped.train_step, train.finish)
            test = _step_runner(self.stepped, self.stepped.test_step, lambda *batch: batch)
            self._phase_graphs = _Graphs(train, validation, run, test)
        return self._phase_graphs

    def _next_phase(self) -> None:
        self.progress.phase += 1
        self.progress.phase_start = self.progress.step
        self.progress.stopped = False
        self._enter_phase()

    def _run_phase(self, stop: StopRequest) -> None:
        """Train to the phase's last epoch or until a callback stops it."""
        state = self.progress
        last = state.phase_start + self.phases[state.phase].epochs * self.steps
        stream = self.stream(state.step, last)
        while state.step < last and not state.stopped:
            epoch = state.step // self.steps
            started = time.perf_counter()
            if state.step % self.steps == 0:
                self.callbacks.on_epoch_begin(epoch)
            self.reporter.begin(epoch, state.step % self.steps, self.steps)
            logs = self._one_epoch(epoch, stream, stop)
            self._end_epoch(epoch, logs, started)
            if stop.requested:
                self._interrupt()
        self.callbacks.on_train_end()
        self.network.optimizer.finalize_variable_values(self.network.trainable_variables)

    def _one_epoch(self, epoch: int, stream: Any, stop: StopRequest) -> dict[str, float]:
        state, end = self.progress, (epoch + 1) * self.steps
        logs: dict[str, float] = {}
        while state.step < end:
            count = 1 if self._every_step else min(self._steps_per_call, self._next_stop(end) - state.step)
            batch, started = state.step % self.steps, time.perf_counter()
            if self._every_step:
                self.callbacks.on_train_batch_begin(batch)
            logs = self.one_step(stream, count, fresh=batch == 0)
            state.step += count
            if state.step == 1:
                state.first_step = {"loss": logs["loss"], "weights": weights_digest(self.network.variables)}
            if not np.isfinite(logs["loss"]):
                raise NonFinite(state.step)
            if self._every_step:
                self.callbacks.on_train_batch_end(batch, logs)
            self._steps_per_call = _adapted(count, time.perf_counter() - started)
            self.reporter.progress(epoch, state.step - epoch * self.steps, self.steps, logs)
            if state.step < end:
                if stop.requested:
                    self._interrupt()
                self._snapshot_within_epoch()
        return logs

    def _next_stop(self, end: int) -> int:
        """Where the next call must end: at the epoch's end, or at a step that the recipe wants a snapshot of."""
        every = self.settings.snapshot.steps
        return min(end, (self.progress.step // every + 1) * every) if every else end

    def _snapshot_within_epoch(self) -> None:
        every = self.settings.snapshot.steps
        if every and self.progress.step % every == 0:
            self._snapshot()
        else:
            self._snapshot_when_due(60 * self.settings.snapshot.minutes)

    def finite_weights(self) -> bool:
        """Whether all weights are numbers. The loss alone does not tell: oneDNN's relu makes 0 of what is no number."""
        return all(np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in self.network.weights)

    def _check_weights(self) -> None:
        """Raise NonFinite before weights that are no numbers are validated or kept."""
        if self.progress.step and not self.finite_weights():
            raise NonFinite(self.progress.step)

    def _end_epoch(self, epoch: int, logs: dict[str, float], started: float) -> None:
        self._check_weights()
        logs = self._validated(logs)
        seconds = time.perf_counter() - started
        self.callbacks.on_epoch_end(epoch, logs)
        phase = {"phase": self.progress.phase} if len(self.phases) > 1 else {}
        rates = learning_rates(self.network.optimizer)
        row = {"epoch": epoch, **phase, **logs, **rates, "seconds": round(seconds, 3)}
        self.progress.history.append(row)
        self.progress.stopped = bool(self.network.stop_training)
        self.reporter.epoch_done(epoch, row)
        self._snapshot_when_due(0)

    def _validation_batch(self, validation: Split) -> int:
        """As many examples as in training, or fewer where these are whole images and training sees crops."""
        size = self.settings.batch_size
        return min(size, fixed_batch(validation)) if self.recipe.data.patch else size

    def _validated(self, logs: dict[str, float]) -> dict[str, float]:
        """An epoch's metrics with those on validation, whose weights are kept when they are the best."""
        graphs = self._graphs
        if graphs.validation is None or self.splits.validation is None:
            return logs
        self.callbacks.on_test_begin()
        steps = steps_per_epoch(len(self.splits.validation), self._validation_batch(self.splits.validation))
        found = metric_names(graphs.test(iter(graphs.validation), tf.constant(steps), tf.constant(True)))
        logs = logs | {f"val_{name}": value for name, value in found.items()}
        self._keep_best(logs)  # a callback may put other weights in place for validation alone
        self.callbacks.on_test_end(found)
        return logs

    def _keep_best(self, logs: Mapping[str, float]) -> None:
        """Remember the weights of the best epoch by the monitored validation metric."""
        if self.monitor not in logs:
            raise InputError(f"training.monitor: there is no metric {self.monitor!r}", f"there is: {', '.join(logs)}")
        value, best = logs[self.monitor], self.progress.best
        if best is None or np.isnan(best) or (value < best if self._smaller_is_better else value > best):
            self.progress.best = value
            self.progress.best_weights = _copied(self.network.variables)

    def batches_from(self, first: int, last: int) -> tf.data.Dataset:
        """The prepared batches of steps first <= step < last."""
        return self.pipeline.train_batches(self.splits.train, first, last)

    def _symbolic_build(self) -> None:
        """Create the optimizer's and the metrics' variables before anything is restored into them."""
        self.network.optimizer.build(self.network.trainable_variables)
        batch = next(iter(self.batches_from(0, 1)))
        self.network._symbolic_build(data_batch=batch)  # callbacks look at its metrics
        if self.stepped is not self.network:
            features = keras.ops.zeros((len(batch[0]), *self.stepped.input.shape[1:]), self.stepped.input.dtype)
            self.stepped._symbolic_build(data_batch=(features, *batch[1:]))

    def _variables(self) -> dict[str, list[Any]]:
        return {
            "network": self.network.variables,
            "optimizer": self.network.optimizer.variables,
            "metrics": [variable for metric in self.stepped.metrics for variable in metric.variables],
        }

    def _snapshot_when_due(self, seconds: float) -> None:
        """At most one snapshot per `seconds`, and never more than a small share of the time spent on them."""
        waited = time.monotonic() - self._saved_at
        if waited >= max(seconds, self._save_cost / SNAPSHOT_COST_SHARE):
            self._snapshot()

    def _snapshot(self) -> None:
        started = time.monotonic()
        self._check_weights()
        state = self.progress
        variables = {group: _copied(values) for group, values in self._variables().items()}
        callbacks = [callback_state(callback) for callback in self.callbacks.callbacks]
        write_snapshot(self.run.path, Snapshot(state, variables, callbacks))
        if state.history:
            self.run.write_csv("history.csv", state.history)
        self._saved_at = time.monotonic()
        self._save_cost = self._saved_at - started

    def _restore(self, snapshot: Snapshot) -> None:
        for group, variables in self._variables().items():
            for variable, value in zip(variables, snapshot.variables[group], strict=True):
                variable.assign(value)
        for callback, state in zip(self.callbacks.callbacks, snapshot.callbacks, strict=True):
            restore_callback(callback, state)
        self.progress = snapshot.progress

    def _interrupt(self) -> None:
        self._snapshot()
        raise Interrupted(
            f"stopped after {self.progress.step} updates; everything is saved in {self.run.path}",
            f"go on with: {self.run.resume_command}",
        )

    def _write_products(self) -> None:
        """history.csv, last.keras and best.keras."""
        self.run.write_csv("history.csv", self.progress.history)
        write_file(self.run.path / "last.keras", self.network.save)
        if self.progress.best_weights:
            last = _copied(self.network.variables)
            _assign(self.network.variables, self.progress.best_weights)
            write_file(self.run.path / "best.keras", self.network.save)
            _assign(self.network.variables, last)


def _copied(variables: list[Any]) -> list[np.ndarray]:
    """Values that later steps cannot change: TensorFlow may hand out its own memory."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: list[Any], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _step_runner(
    network: keras.Model, step: Callable[[Any], Any], finish: Callable[..., Any]
) -> Callable[[Any, Any, Any], dict[str, Any]]:
    """A graph that takes `count` elements, finished to batches, through `step` and gives the metrics after the last.

    With `fresh` the metrics begin anew; in the graph, for one by one from Python that costs as much as a small step.
    """

    take = tf.autograph.experimental.do_not_convert(
        lambda element: step(finish(*element) if isinstance(element, tuple) else finish(element))
    )

    def run(iterator: Any, count: Any, fresh: Any) -> dict[str, Any]:
        if fresh:
            network.reset_metrics()
        for _ in tf.range(count):
            take(next(iterator))
        logs: dict[str, Any] = network.get_metrics_result()
        return logs

    graph: Callable[[Any, Any, Any], dict[str, Any]] = tf.function(run, reduce_retracing=True)
    return graph


def _adapted(count: int, seconds: float) -> int:
    """So many steps in one call that it takes about SECONDS_PER_CALL; results do not depend on it."""
    return max(1, min(2 * count, int(count * SECONDS_PER_CALL / max(seconds, 1e-9))))


def _wants_batches(callback: keras.callbacks.Callback) -> bool:
    hooks = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    return any(getattr(type(callback), hook) is not getattr(keras.callbacks.Callback, hook) for hook in hooks)
