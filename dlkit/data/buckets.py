"""Put examples of similar length into the same batch, so that little of a batch is padding."""

from typing import Any

import tensorflow as tf

from dlkit.draws import shuffled

POOL_BATCHES = 50
"""The batches whose examples are sorted by length together: fewer give more padding, more give less random batches."""


def bucketed(batch: Any, seed: int, epoch: Any, size: int, lengths: Any) -> Any:
    """Return the indices of the examples in a batch of an epoch, a pure function of (seed, epoch, batch).

    The epoch's shuffled order is cut into pools; each is sorted by length and cut into batches, which come in a
    shuffled order. lengths: (n,) of all examples.
    """
    count = len(lengths)
    number = shuffled(tf.reshape(batch, [1]), seed, -1 - epoch, -(-count // size))[0]
    first = number - number % POOL_BATCHES
    pool = shuffled(tf.range(first * size, tf.minimum((first + POOL_BATCHES) * size, count)), seed, epoch, count)
    ranks = tf.argsort(tf.gather(lengths, pool), stable=True)
    start = (number - first) * size
    return tf.gather(pool, ranks[start : start + size])
