"""Draws are pure functions of (seed, stage, epoch, index), and no two of these share theirs."""

import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.augment.random_affine import random_affine
from dlkit.draws import beta, example_seeds, normal_field, shuffled, uniform, uniform_field

EXAMPLES = 12_000


def drawn(seed=0, stage=0, epoch=0, indices=None, count=6):
    indices = tf.range(EXAMPLES) if indices is None else indices
    return uniform(example_seeds(seed, stage, tf.constant(epoch, tf.int64), indices), count).numpy()


def order(count, seed, epoch):
    return shuffled(tf.range(count), seed, tf.constant(epoch, tf.int64), count).numpy()


def test_equal_parts_give_equal_draws_whatever_stands_beside_them():
    whole = drawn(3, 1, 7)
    np.testing.assert_array_equal(drawn(3, 1, 7), whole)
    np.testing.assert_array_equal(drawn(3, 1, 7, tf.constant([5, 11_999, 0])), whole[[5, 11_999, 0]])
    np.testing.assert_array_equal(drawn(3, 1, 7, count=2), whole[:, :2])


def test_no_two_examples_epochs_stages_or_seeds_share_their_draws():
    """A generator that keeps the low bits of its key gives 4,096 different rows here, the same in every epoch."""
    many = [drawn(), drawn(epoch=1), drawn(epoch=256), drawn(stage=1), drawn(seed=1), drawn(seed=256), drawn(epoch=-1)]
    assert len(np.unique(np.concatenate(many), axis=0)) == len(many) * EXAMPLES


@pytest.mark.parametrize("other", [{"epoch": 1}, {"epoch": 4096}, {"stage": 1}, {"seed": 1}, {"seed": 2**31}])
def test_draws_of_neighbours_are_independent(other):
    here, there = drawn(), drawn(**other)
    for column in range(6):
        assert abs(np.corrcoef(here[:, column], there[:, column])[0, 1]) < 0.04
        assert abs(np.corrcoef(here[:-1, column], here[1:, column])[0, 1]) < 0.04
        assert abs(np.corrcoef(here[:-4096, column], here[4096:, column])[0, 1]) < 0.05
    assert abs(np.corrcoef(here.T) - np.eye(6)).max() < 0.04


def test_uniform_draws_fill_the_interval_evenly():
    values = drawn(count=8)
    assert values.min() >= 0
    assert values.max() < 1
    counts = np.histogram(values, bins=64, range=(0, 1))[0]
    expected = values.size / 64
    assert ((counts - expected) ** 2 / expected).sum() < 110  # chi-squared with 63 degrees of freedom, p = 0.0002


@pytest.mark.parametrize("count", [1, 2, 3, 7, 600, 60_000])
def test_an_order_visits_every_example_once(count):
    np.testing.assert_array_equal(np.sort(order(count, 0, 3)), np.arange(count))


@pytest.mark.parametrize("count", [600, 60_000])
def test_orders_do_not_return(count):
    """With the low bits of seed and epoch alone, the order of epoch e returns in epoch e + 256."""
    orders = [order(count, seed, epoch) for seed in (0, 256, 512) for epoch in (0, 1, 256, 512, 1024)]
    assert len({each.tobytes() for each in orders}) == len(orders)
    for other in orders[1:]:
        assert (orders[0] == other).mean() < 0.05
        assert abs(np.corrcoef(orders[0], other)[0, 1]) < 0.15


def test_a_part_of_an_order_is_that_of_the_whole():
    whole = order(1000, 5, 2)
    part = shuffled(tf.range(300, 420), 5, tf.constant(2, tf.int64), 1000).numpy()
    np.testing.assert_array_equal(part, whole[300:420])


def test_copies_of_one_picture_are_all_transformed_differently():
    picture = np.random.default_rng(0).uniform(0, 255, (1, 12, 12, 1)).astype(np.float32)
    results = []
    for epoch in (0, 1):
        seeds = example_seeds(0, 0, tf.constant(epoch, tf.int64), tf.range(EXAMPLES))
        images, _ = random_affine(np.repeat(picture, EXAMPLES, axis=0), None, seeds, shift=0.3, rotation=0.1, zoom=0.2)
        results.append(images.numpy().reshape(EXAMPLES, -1))
    assert len(np.unique(np.concatenate(results), axis=0)) == 2 * EXAMPLES


def test_fields_and_beta_have_their_distributions():
    seeds = example_seeds(1, 2, tf.constant(3, tf.int64), tf.range(400))
    assert uniform_field(seeds, 50).numpy().mean() == pytest.approx(0.5, abs=0.01)
    normal = normal_field(seeds, 50).numpy()
    assert (normal.mean(), normal.std()) == (pytest.approx(0, abs=0.03), pytest.approx(1, abs=0.03))
    weights = beta(seeds, 0.2).numpy()
    assert weights.mean() == pytest.approx(0.5, abs=0.06)
    assert weights.var() == pytest.approx(1 / (4 * (2 * 0.2 + 1)), abs=0.03)  # 1 / (4 (2 alpha + 1))
