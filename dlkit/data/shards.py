"""Cut a batch into shards: a pure function of the batch's length, whoever computes the shards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf


@dataclass(frozen=True)
class Shard:
    """Shard `number` (counted from 0) of `total`: a contiguous part of every batch.

    Of a batch with fewer examples than shards, some shards repeat an example; its share is then 0, so that it does not
    count, while every shard still has the same operations.
    """

    number: int
    total: int

    def part(self, indices: Any) -> tuple[Any, Any]:
        """Return the shard's share of a batch, a float64 scalar, and its part of the batch's indices (n,)."""
        count = tf.size(indices)
        start, end = (number * count // self.total for number in (self.number, self.number + 1))
        share = tf.cast(end - start, tf.float64) / tf.cast(count, tf.float64)
        return share, indices[start : tf.maximum(end, start + 1)]


def own_shards(total: int, index: int, processes: int) -> tuple[Shard, ...]:
    """Return the shards of process `index` of several, none where a batch is not cut (total 1)."""
    each = total // processes
    return tuple(Shard(number, total) for number in range(index * each, (index + 1) * each)) if total > 1 else ()


def cut(shards: Sequence[Shard], indices: Any, batch_of: Callable[[Any], Any]) -> Any:
    """Return the batch of the indices, or with shards a tuple with (share, batch) for each of them.

    batch_of: indices (n,) -> their batch.
    """
    if not shards:
        return batch_of(indices)
    return tuple((share, batch_of(part)) for share, part in (shard.part(indices) for shard in shards))


def each(shards: Sequence[Shard], finish: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that finishes a batch, or every batch of what cut() returns for the shards."""
    if not shards:
        return finish
    return lambda *parts: tuple((share, finish(*batch)) for share, batch in parts)
