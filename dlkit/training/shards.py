"""Take a step on a batch that is cut into shards, so that the result does not depend on who computes which shard.

Every shard is computed by itself: its own batch statistics, its own random numbers, metrics from zero. Its gradients,
the changes of its running statistics and its sums for metrics form one vector. The vectors of all shards are added in
one fixed order, and every process applies the same sum.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from dlkit.data.shards import Shard
from dlkit.model.compile import measure
from dlkit.training.devices import Group

# The seeds of shard k are moved by k times this odd number (2^32 / golden ratio), so that shards draw independently.
_SALT = 0x9E3779B9


class ShardedSteps:
    """The steps of a compiled network, whose variables all exist, on batches that are cut into shards.

    A batch is a tuple of (share, batch) for each of this process's shards, where share is the part of the batch's
    examples that the shard has (see data/shards.py).
    """

    def __init__(self, network: keras.Model, shards: Sequence[Shard], group: Group) -> None:
        self._network, self._shards, self._group = network, shards, group
        self._trainable, others = list(network.trainable_variables), list(network.non_trainable_variables)
        self._floats = [variable for variable in others if keras.backend.is_float_dtype(variable.dtype)]
        self._counters = [variable for variable in others if not keras.backend.is_float_dtype(variable.dtype)]
        self._metrics = [variable for metric in network.metrics for variable in metric.variables]
        self._moved: list[Any] = []  # those of _floats that a step changes, known once a step has been traced
        self._dtype = tf.float64 if "float64" in {variable.dtype for variable in self._trainable} else tf.float32
        self._train_shard, self._test_shard = _kept(self._trained), _kept(self._tested)

    def train(self, batches: Sequence[tuple[Any, Any]]) -> None:
        """Take one step: add this process's shards, exchange the sums, and update the network and its metrics."""
        state = self._state()
        results = [
            self._train_shard(tf.constant(shard.number, tf.int64), share, batch, *state)
            for shard, (share, batch) in zip(self._shards, batches, strict=True)
        ]
        total = self._total([vector for vector, _ in results])
        gradients, moves, sums = self._split(total, self._trainable, self._moved, self._metrics)
        self._network.optimizer.apply(gradients, self._trainable)
        for variable, change in zip([*self._moved, *self._metrics], [*moves, *sums], strict=True):
            variable.assign_add(change)
        for variable, value in zip(self._counters, results[0][1], strict=True):
            variable.assign(value)

    def test(self, iterator: Any, count: Any) -> None:
        """Set the metrics to those on `count` elements of an iterator: sums over all shards of all processes."""
        state = self._state()
        size = sum(variable.shape.num_elements() for variable in self._metrics)

        def add_batch(number: Any, *sums: Any) -> tuple[Any, ...]:
            found = [self._test_shard(share, batch, *state) for share, batch in next(iterator)]
            return number + 1, *(_add(total, value) for total, value in zip(sums, found, strict=True))

        zeros = [tf.zeros([size], self._dtype) for _ in self._shards]
        _, *sums = tf.while_loop(lambda number, *_: number < count, add_batch, [tf.zeros_like(count), *zeros])
        (values,) = self._split(self._total(sums), self._metrics)
        for variable, value in zip(self._metrics, values, strict=True):
            variable.assign(value)

    def _state(self) -> list[list[Any]]:
        """Return the values of all variables, read once, so that shards are computed at the same time."""
        return [[tf.identity(variable.value) for variable in group] for group in self._groups]

    @property
    def _groups(self) -> tuple[list[Any], list[Any], list[Any]]:
        return self._trainable, self._floats, self._counters

    def _trained(self, number: Any, share: Any, batch: Any, *state: list[Any]) -> tuple[Any, list[Any]]:
        """Return a shard's vector, weighted by its share, and the next values of the counters of random numbers."""
        trainable, floats, counters = state
        salted = [_salted(value, number) for value in counters]
        with tf.GradientTape() as tape, self._scope(trainable, floats, salted) as scope:
            tape.watch(trainable)
            loss = self._network.optimizer.scale_loss(self._loss(batch, training=True))
        gradients = tape.gradient(loss, trainable, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        after = [scope.get_current_value(variable) for variable in self._floats]
        changed = [now is not before for now, before in zip(after, floats, strict=True)]
        self._moved = [variable for variable, moved in zip(self._floats, changed, strict=True) if moved]
        moves = [now - before for now, before, moved in zip(after, floats, changed, strict=True) if moved]
        weight = tf.cast(share, self._dtype)
        means = weight * self._joined([tf.convert_to_tensor(gradient) for gradient in gradients] + moves)
        following = [_salted(scope.get_current_value(variable), -number) for variable in self._counters]
        return tf.concat([means, self._sums(scope, share)], 0), following

    def _tested(self, share: Any, batch: Any, *state: list[Any]) -> Any:
        """Return a shard's sums for the metrics."""
        with self._scope(*state) as scope:
            self._loss(batch, training=False)
        return self._sums(scope, share)

    def _scope(self, *state: list[Any]) -> Any:
        """Return a scope in which variables have these values, metrics are zero, and nothing is really assigned."""
        variables = [variable for group in self._groups for variable in group]
        values = zip(variables, [value for group in state for value in group], strict=True)
        zeros = ((variable, tf.zeros(variable.shape, variable.dtype)) for variable in self._metrics)
        return keras.StatelessScope([*values, *zeros], collect_losses=True)

    def _loss(self, batch: Any, training: bool) -> Any:
        x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
        return measure(self._network, x, y, self._network(x, training=training), weights, training)

    def _sums(self, scope: Any, share: Any) -> Any:
        """Return the metrics' sums in a scope; none for a shard whose share is 0."""
        found = self._joined([scope.get_current_value(variable) for variable in self._metrics])
        return tf.where(share > 0, found, tf.zeros_like(found))

    def _joined(self, values: Sequence[Any]) -> Any:
        return tf.concat([tf.cast(tf.reshape(value, [-1]), self._dtype) for value in values], 0)

    def _total(self, vectors: list[Any]) -> Any:
        """Return the sum of the shards' vectors of all processes: the same tree of additions for any number of them."""
        return _tree(self._group.gathered(_tree(vectors)))

    def _split(self, vector: Any, *groups: Sequence[Any]) -> list[list[Any]]:
        """Return the parts of a vector in the shapes and dtypes of the variables, by group."""
        variables = [variable for group in groups for variable in group]
        parts = iter(tf.split(vector, [variable.shape.num_elements() for variable in variables]))
        return [[tf.cast(tf.reshape(next(parts), v.shape), v.dtype) for v in group] for group in groups]


def _kept(function: Callable[..., Any]) -> Any:
    """Return a function whose operations Grappler neither moves nor merges with those of its callers."""
    return tf.function(function, reduce_retracing=True, autograph=False, experimental_attributes={"_noinline": True})


_add = _kept(lambda first, second: first + second)


def _tree(vectors: list[Any]) -> Any:
    """Add neighbours until an odd number is left, and add those from left to right."""
    while len(vectors) % 2 == 0:
        vectors = [_add(*pair) for pair in zip(vectors[::2], vectors[1::2], strict=True)]
    total, *rest = vectors
    for vector in rest:
        total = _add(total, vector)
    return total


def _salted(value: Any, number: Any) -> Any:
    """Return the state of a seed generator, (seed, counter), with the seed moved for shard `number`; else the value."""
    if value.shape != (2,):
        return value
    return value + tf.cast(number * _SALT, value.dtype) * tf.constant([1, 0], value.dtype)
