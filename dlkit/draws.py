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


def _streams(draw: Callable[[Any], Any], seeds: Any, count: int) -> Any:
    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec([count], tf.float32))
