"""Random numbers that depend on an example's seeds alone."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

_VALUES = 2**24  # float32 holds all of them exactly
_ROUNDS = 8


def uniform(seeds: Any, count: int) -> Any:
    """`count` numbers from [0, 1) for every example, float32 (n, count); seeds: int32 (n, 2).

    A block cipher keyed by the seeds, drawn for the whole batch at once.
    """
    examples = tf.shape(seeds)[0]
    key = tf.repeat(tf.pad(tf.cast(seeds, tf.int64), [[0, 0], [0, 1]]), count, axis=0)
    index = tf.tile(tf.range(count, dtype=tf.int64), [examples])
    drawn = tf.raw_ops.RandomIndexShuffle(
        index=index, seed=key, max_index=tf.constant(_VALUES - 1, tf.int64), rounds=_ROUNDS
    )
    return tf.reshape(tf.cast(drawn, tf.float32) / _VALUES, [examples, count])


def uniform_field(seeds: Any, count: int) -> Any:
    """As `uniform`, for the many numbers that noise on every value takes: a Philox stream for each example."""
    return _streams(lambda seed: tf.random.stateless_uniform([count], seed, alg="philox"), seeds, count)


def normal_field(seeds: Any, count: int) -> Any:
    """`count` standard normal numbers for every example, float32 (n, count); seeds: int32 (n, 2)."""
    return _streams(lambda seed: tf.random.stateless_normal([count], seed, alg="philox"), seeds, count)


def beta(seeds: Any, alpha: float) -> Any:
    """A number from [0, 1] for every example, of the beta distribution with both parameters alpha: float32 (n,)."""
    # A gamma variate of a small parameter falls below what float32 holds, its logarithm does not: one of alpha is one
    # of alpha + 1 times a uniform number to the power of 1 / alpha (Marsaglia, 2000).
    larger = _streams(lambda seed: tf.random.stateless_gamma([2], seed, alpha + 1), seeds, 2)
    logarithms = tf.math.log(larger) + tf.math.log1p(-uniform(seeds, 2)) / alpha
    return tf.sigmoid(logarithms[:, 0] - logarithms[:, 1])


def _streams(draw: Callable[[Any], Any], seeds: Any, count: int) -> Any:
    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec([count], tf.float32))
