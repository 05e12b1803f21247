"""The steps of one phase: its batches, and the graphs that train and validate on them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import tensorflow as tf

from dlkit.data.batches import fixed_batch, numbers, steps_per_epoch
from dlkit.data.pipeline import InputPipeline, TrainSteps
from dlkit.data.shards import own_shards
from dlkit.interfaces.data import Split
from dlkit.model.compile import compile_for, compile_model, metric_names
from dlkit.recipe.schema import Recipe, ResolvedPhase
from dlkit.training.devices import Group
from dlkit.training.feature_cache import feature_steps, head_network
from dlkit.training.fused_kernels import use_fused_kernels
from dlkit.training.prepare import Prepared
from dlkit.training.shards import ShardedSteps
from dlkit.training.unlabelled import mixed_pipeline

SECONDS_PER_CALL = 0.1

Graph = Callable[[Any, Any, Any], dict[str, Any]]


@dataclass(frozen=True)
class _Graphs:
    """The batches of a phase, and the graphs that train and validate on them."""

    train: TrainSteps
    validation: tf.data.Dataset | None
    take: Graph
    test: Graph


class Steps:
    """The steps of one phase of a training, with all their variables created.

    network: the whole network, compiled for the phase. stepped: the model that takes the steps: the network itself or,
    with a frozen backbone, only its head. per_epoch: batches in an epoch. group: the processes that share the batches.
    """

    def __init__(self, recipe: Recipe, prepared: Prepared, phase: ResolvedPhase, group: Group) -> None:
        built, splits, teacher = prepared.built, prepared.splits, prepared.teacher
        self._recipe, self._built, self._splits, self._group = recipe, built, splits, group
        self._shards = own_shards(recipe.training.shards, group.index, group.size)
        teach = teacher.taught if teacher else None
        mixed = mixed_pipeline(recipe, built, phase, splits)
        self._pipeline = mixed or InputPipeline(recipe, built.prepare, built.task.moves_targets, phase.augment, teach)
        self.examples = self._pipeline.examples(splits.train)
        self.per_epoch = self._pipeline.steps(splits.train)
        self.network = compile_model(built, recipe, phase, phase.epochs * self.per_epoch)
        changed = bool(phase.augment or recipe.data.corrupt or teacher or mixed)
        head = head_network(self.network, changed)
        self.stepped = compile_for(head, built.task, self.network.optimizer) if head else self.network
        use_fused_kernels(self.stepped)
        self._create_variables()

    def _create_variables(self) -> None:
        """Create the variables of the optimizer and the metrics, so that values can be restored into them."""
        self.network.optimizer.build(self.network.trainable_variables)
        batch = next(iter(self.batches(0, 1)))
        self.network._symbolic_build(data_batch=batch)  # callbacks read its metrics
        if self.stepped is not self.network:
            features = keras.ops.zeros((len(batch[0]), *self.stepped.input.shape[1:]), self.stepped.input.dtype)
            self.stepped._symbolic_build(data_batch=(features, *batch[1:]))

    @property
    def variables(self) -> dict[str, list[Any]]:
        """Return the variables that the next step depends on, by group."""
        return {
            "network": self.network.variables,
            "optimizer": self.network.optimizer.variables,
            "metrics": [variable for metric in self.stepped.metrics for variable in metric.variables],
        }

    def batches(self, first: int, last: int) -> tf.data.Dataset:
        """Return the prepared batches of steps first <= step < last, counted through all epochs."""
        return self._pipeline.train_batches(self._splits.train, first, last)

    def stream(self, first: int, last: int) -> Any:
        """Return an iterator over the steps first <= step < last, for take."""
        return iter(self._graphs.train.elements(first, last))

    def take(self, stream: Any, count: int = 1, fresh: bool = False) -> dict[str, float]:
        """Take `count` steps from the stream; return the metrics since the last `fresh` call, which begins an epoch."""
        return metric_names(self._graphs.take(stream, tf.constant(count), tf.constant(fresh)))

    def validate(self) -> dict[str, float] | None:
        """Return loss and metrics on the validation split, or None where there is none."""
        graphs, held = self._graphs, self._splits.validation
        if graphs.validation is None or held is None:
            return None
        steps = steps_per_epoch(len(held), self._validation_batch(held))
        return metric_names(graphs.test(iter(graphs.validation), tf.constant(steps), tf.constant(True)))

    @cached_property
    def _graphs(self) -> _Graphs:
        """Return the phase's graphs, built on first use, so that cached features come from restored weights."""
        train, validation = self._sources()
        if self._shards:
            sharded = ShardedSteps(self.stepped, self._shards, self._group)
            take, test = _graph(self.stepped, sharded.train, train.finish), _whole_graph(self.stepped, sharded.test)
        else:
            take = _graph(self.stepped, self.stepped.train_step, train.finish)
            test = _graph(self.stepped, self.stepped.test_step, lambda *batch: batch)
        return _Graphs(train, validation, take, test)

    def _sources(self) -> tuple[TrainSteps, tf.data.Dataset | None]:
        """Return the steps of training and the batches of validation."""
        if self.stepped is not self.network:
            return feature_steps(self._built, self._recipe, self._splits, self._shards)
        held, shards = self._splits.validation, self._shards
        validation = None if held is None else self._pipeline.fixed_batches(held, self._validation_batch(held), shards)
        return self._pipeline.train_steps(self._splits.train, shards), validation

    def _validation_batch(self, validation: Split) -> int:
        """Return the batch size of training, or a smaller one where validation uses whole images and training crops."""
        size = self._recipe.training.batch_size
        return min(size, fixed_batch(validation)) if self._recipe.data.patch else size

    def fixed_step(self) -> Callable[[], Any]:
        """Return a step that always uses the same batch, including a teacher's part: its cost without the input."""
        steps = self._pipeline.train_steps(self._splits.train)
        element = next(iter(steps.elements(0, 1)))
        if isinstance(element, tuple):
            return lambda: self.network.train_step(steps.finish(*element))
        batch = steps.finish(element)
        return lambda: self.network.train_step(batch)

    def repeated(self, step: Callable[[], Any]) -> Callable[[int], Any]:
        """Return a function that takes a step N times."""
        run = _graph(self.network, lambda _: step(), lambda number: number)
        return lambda count: metric_names(run(iter(numbers(count)), tf.constant(count), tf.constant(False)))


def steps_per_call(count: int, seconds: float) -> int:
    """Return how many steps take about SECONDS_PER_CALL if `count` took `seconds`; results do not depend on it."""
    return max(1, min(2 * count, int(count * SECONDS_PER_CALL / max(seconds, 1e-9))))


def _graph(network: keras.Model, step: Callable[[Any], Any], finish: Callable[..., Any]) -> Graph:
    """Return a graph that takes `step` on `count` elements, each finished to a batch, and returns the metrics.

    With `fresh` the metrics are reset first, in the graph, because resetting them from Python takes as long as a small
    step.
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

    graph: Graph = tf.function(run, reduce_retracing=True)
    return graph


def _whole_graph(network: keras.Model, test: Callable[[Any, Any], None]) -> Graph:
    """Return a graph that evaluates `count` elements and returns the metrics."""

    def run(iterator: Any, count: Any, fresh: Any) -> dict[str, Any]:
        test(iterator, count)
        logs: dict[str, Any] = network.get_metrics_result()
        return logs

    graph: Graph = tf.function(run, autograph=False, reduce_retracing=True)
    return graph
