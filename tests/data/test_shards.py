"""How a batch is cut into shards."""

import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.shards import Shard, own_shards


@pytest.mark.parametrize(("count", "total"), [(32, 4), (10, 4), (7, 2), (3, 4), (1, 8)])
def test_the_shards_of_a_batch_are_its_examples(count, total):
    parts = [Shard(number, total).part(tf.range(count)) for number in range(total)]
    shares = [float(share) for share, _ in parts]
    assert sum(shares) == pytest.approx(1, abs=1e-15)
    counted = [part.numpy() for share, part in parts if share > 0]
    assert np.concatenate(counted).tolist() == list(range(count))
    assert shares == [len(part) / count if share else 0 for share, (_, part) in zip(shares, parts, strict=True)]


def test_a_shard_without_examples_repeats_one_that_does_not_count():
    share, part = Shard(0, 4).part(tf.range(5, 8))
    assert (float(share), part.numpy().tolist()) == (0, [5])


def test_processes_divide_the_shards_in_order():
    assert own_shards(1, 0, 1) == ()
    assert own_shards(4, 0, 1) == tuple(Shard(number, 4) for number in range(4))
    assert own_shards(4, 1, 2) == (Shard(2, 4), Shard(3, 4))
