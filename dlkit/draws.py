"""Random draws as pure functions of (seed, stage, epoch, index), computable in any order without stored state.

This is a counter-based generator: each draw has its own counter value, and a mixing function changes all of its bits
(SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). Two examples, epochs,
stages or seeds therefore never share draws, however close their numbers are.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

_VALUES = 2**24  # float32 represents all of these integers exactly
_GOLDEN = 0x9E3779B97F4A7C15
_SHUFFLE_ROUNDS = 4


def example_seeds(seed: int, stage: int, epoch: Any, indices: Any) -> Any:
    """Return one int32 pair per example of `indices` (n,), a pure function of (seed, stage, epoch, index)."""
    return _pairs(_key(seed, stage, epoch, indices))


def shuffled(indices: Any, seed: int, epoch: Any, count: int) -> Any:
    """Return where the places `indices` (n,) of an epoch's order lead: a permutation of range(count), int64.

    TensorFlow's shuffle uses only the low bits of its seed (three words of 8 for 60,000 examples), so orders repeat
    when the seed counts up. Its words are therefore drawn, and the order is rotated too.
    """
    seeds = tf.stack([tf.constant(seed, tf.int64), tf.cast(epoch, tf.int64)])
    words = tf.random.stateless_uniform([4], seeds, None, None, tf.int64, alg="philox")
    places = (tf.cast(indices, tf.int64) + words[3] % count) % count
    last = tf.constant(count - 1, tf.int64)
    return tf.raw_ops.RandomIndexShuffle(index=places, seed=words[:3], max_index=last, rounds=_SHUFFLE_ROUNDS)


def uniform(seeds: Any, count: int) -> Any:
    """Return `count` uniform numbers in [0, 1) per example, float32 (n, count); seeds: int32 (n, 2)."""
    bits = tf.bitwise.right_shift(_stream(_joined(seeds), count), _u64(40))
    return tf.cast(tf.cast(bits, tf.int32), tf.float32) / _VALUES


def uniform_field(seeds: Any, count: int) -> Any:
    """Return the same kind of numbers as `uniform`, for large counts, from one Philox stream per example."""
    return _streams(lambda seed: tf.random.stateless_uniform([count], seed, alg="philox"), seeds, count)


def normal_field(seeds: Any, count: Any) -> Any:
    """Return `count` standard normal numbers per example, float32 (n, count); seeds: int32 (n, 2).

    A smaller count, a number or a scalar tensor, gives the first of the same numbers.
    """
    return _streams(lambda seed: tf.random.stateless_normal([count], seed, alg="philox"), seeds, count)


def beta(seeds: Any, alpha: float) -> Any:
    """Return one number in [0, 1] per example from the distribution Beta(alpha, alpha), float32 (n,)."""
    # A gamma variate with a small parameter underflows in float32, but its logarithm does not: Gamma(alpha) equals
    # Gamma(alpha + 1) times a uniform number to the power of 1 / alpha (Marsaglia, 2000).
    larger = _streams(lambda seed: tf.random.stateless_gamma([2], seed, alpha + 1), seeds, 2)
    logarithms = tf.math.log(larger) + tf.math.log1p(-uniform(seeds, 2)) / alpha
    return tf.sigmoid(logarithms[:, 0] - logarithms[:, 1])


def _streams(draw: Callable[[Any], Any], seeds: Any, count: Any) -> Any:
    shape = [count if isinstance(count, int) else None]
    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec(shape, tf.float32))


def _u64(value: int) -> Any:
    return tf.constant(value % 2**64, tf.uint64)


def _mixed(values: Any) -> Any:
    """Mix all bits of uint64 values with SplitMix64's output function, which is a bijection."""
    values = tf.bitwise.bitwise_xor(values, tf.bitwise.right_shift(values, _u64(30))) * _u64(0xBF58476D1CE4E5B9)
    values = tf.bitwise.bitwise_xor(values, tf.bitwise.right_shift(values, _u64(27))) * _u64(0x94D049BB133111EB)
    return tf.bitwise.bitwise_xor(values, tf.bitwise.right_shift(values, _u64(31)))


def _key(seed: int, stage: int, epoch: Any, indices: Any) -> Any:
    """Return one uint64 per index, mixed after each of its four parts."""
    key = _mixed(_u64(seed) + _u64(_GOLDEN))
    key = _mixed(tf.bitwise.bitwise_xor(key, _u64(stage)) + _u64(_GOLDEN))
    for part in (epoch, indices):
        key = _mixed(tf.bitwise.bitwise_xor(key, tf.cast(tf.cast(part, tf.int64), tf.uint64)) + _u64(_GOLDEN))
    return key


def _stream(keys: Any, count: int) -> Any:
    """Return `count` uint64 values per key (n,), shape (n, count)."""
    steps = tf.cast(tf.range(1, count + 1, dtype=tf.int64), tf.uint64) * _u64(_GOLDEN)
    return _mixed(keys[:, tf.newaxis] + steps)


def _pairs(keys: Any) -> Any:
    """Return uint64 (n,) as int32 (n, 2), low half first."""
    return tf.bitcast(keys, tf.int32)


def _joined(seeds: Any) -> Any:
    """Return int32 (n, 2) as uint64 (n,), the inverse of _pairs."""
    return tf.bitcast(tf.cast(seeds, tf.int32), tf.uint64)
