"""Steps on batches that are cut into shards."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.catalog.find import names
from dlkit.data.shards import Shard, own_shards
from dlkit.interfaces.reporter import Reporter
from dlkit.recipe import load_recipe
from dlkit.training.devices import ALONE
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare
from dlkit.training.shards import ShardedSteps, _salted, _tree

DENSE = (
    "[{Dense: {units: 16, activation: relu, kernel_regularizer: {L2: {l2: 0.01}}}}, "
    "{Dense: {units: 10, activation: softmax}}]"
)
NOISY = (
    "[{Dense: {units: 16, activation: relu}}, BatchNormalization, {Dropout: {rate: 0.5}}, "
    "{Dense: {units: 10, activation: softmax}}]"
)
SETTINGS = ["data.limit=100", "training.batch_size=24", "training.epochs=2"]


def started(layers=DENSE, shards=1, **more):
    """A training of digits_mlp with other layers, before its first step."""
    changes = [*SETTINGS, f"model.sequential.layers={layers}", f"training.shards={shards}", "expect={}"]
    loaded = load_recipe("digits_mlp", changes + [f"{key}={value}" for key, value in more.items()])
    training = Training(loaded.recipe, prepare(loaded), Reporter())
    training.start()
    return training


def taken(training, count=5):
    """The metrics of an epoch's steps, those of validation, and the weights after them."""
    steps = training.steps
    logs = steps.take(steps.stream(0, count), count, fresh=True)
    return logs, steps.validate(), [variable.numpy() for variable in steps.network.variables]


def test_shards_change_nothing_but_rounding_without_batch_statistics_and_draws():
    """Four batches of 24 and one of 17: also shards of different lengths count as their examples."""
    whole, cut = taken(started()), taken(started(shards=4))
    for one, other in zip(whole[:2], cut[:2], strict=True):
        assert other == pytest.approx(one, rel=1e-5)
    for one, other in zip(whole[2], cut[2], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_running_statistics_are_the_mean_of_the_shards():
    training = started(NOISY, shards=2)
    taken(training, 1)
    inputs = next(iter(training.steps.batches(0, 1)))[0]
    fresh = started(NOISY, shards=2).steps.network
    dense = next(layer for layer in fresh.layers if isinstance(layer, keras.layers.Dense))
    hidden = keras.ops.convert_to_numpy(dense(inputs))
    means = np.mean([part.mean(0) for part in np.split(hidden, 2)], 0)
    norm = next(layer for layer in training.steps.network.layers if isinstance(layer, keras.layers.BatchNormalization))
    np.testing.assert_allclose(norm.moving_mean.numpy(), 0.01 * means, rtol=1e-3, atol=1e-7)


def test_shards_draw_independently_and_the_counter_advances_once():
    training = started(NOISY, shards=2)
    drop = next(layer for layer in training.steps.network.layers if isinstance(layer, keras.layers.Dropout))
    before = drop.seed_generator.state.numpy()
    taken(training, 3)
    after = drop.seed_generator.state.numpy()
    plain = started(NOISY)
    taken(plain, 3)
    once = next(layer for layer in plain.steps.network.layers if isinstance(layer, keras.layers.Dropout))
    assert (after - before).tolist() == (once.seed_generator.state.numpy() - before).tolist()

    network = keras.Sequential([keras.layers.Input([64]), keras.layers.Dropout(0.5, seed=3)])
    network.compile("sgd", "mse")
    network._symbolic_build(data_batch=(np.ones([2, 64], "float32"), np.ones([2, 64], "float32")))
    steps = ShardedSteps(network, [Shard(0, 2), Shard(1, 2)], ALONE)
    state, masks = steps._counters[0], []
    for number in (0, 1):
        with keras.StatelessScope([(state, _salted(state.value, tf.constant(number, tf.int64)))]):
            masks.append(network(np.ones([2, 64], "float32"), training=True).numpy())
    assert 0.3 < np.mean(masks[0] == masks[1]) < 0.7


def test_the_order_of_additions_is_that_of_one_process():
    random = np.random.default_rng(0)
    vectors = [
        tf.constant(random.normal(size=1000) * 10.0 ** random.integers(-6, 6, 1000), tf.float32) for _ in range(8)
    ]
    alone = _tree(vectors).numpy()
    for processes in (2, 4, 8):
        each = 8 // processes
        parts = [_tree(vectors[first : first + each]) for first in range(0, 8, each)]
        assert np.array_equal(_tree(parts).numpy(), alone)
    assert not np.array_equal(sum(vectors).numpy(), alone)  # another order gives other bits


REQUIRED = {
    "IoU": {"num_classes": 2, "target_class_ids": [0]},
    "MeanIoU": {"num_classes": 2},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 2},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}


@pytest.mark.parametrize("name", [name for name in names("metric") if hasattr(keras.metrics, name)])
def test_every_metric_is_a_sum_over_shards(name):
    """A metric whose state is not a sum would be wrong on several shards."""
    metric = getattr(keras.metrics, name)(**REQUIRED.get(name, {}))
    random = np.random.default_rng(1)
    truth = random.integers(0, 2, (40, 2)).astype("float32")
    found = random.uniform(0.01, 0.99, (40, 2)).astype("float32")
    truth = truth[:, 0] if name.startswith("Sparse") else truth
    found = (found > 0.5).astype("float32") if name in ("IoU", "MeanIoU") else found
    metric.update_state(truth, found)
    whole = [variable.numpy() for variable in metric.variables]
    total = [np.zeros_like(value) for value in whole]
    for part in (slice(0, 10), slice(10, 40)):
        metric.reset_state()
        metric.update_state(truth[part], found[part])
        total = [added + variable.numpy() for added, variable in zip(total, metric.variables, strict=True)]
    for one, other in zip(whole, total, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_own_shards_are_those_that_a_process_reads():
    training = started(shards=4)
    pipeline, split = training.steps._pipeline, training.prepared.splits.train
    whole = pipeline.train_steps(split, own_shards(4, 0, 1))
    half = pipeline.train_steps(split, own_shards(4, 1, 2))
    for step in (0, 4, 5):
        ours = half.finish(tf.constant(step, tf.int64))
        theirs = whole.finish(tf.constant(step, tf.int64))[2:]
        for (share, batch), (other_share, other) in zip(ours, theirs, strict=True):
            assert float(share) == float(other_share)
            assert all(np.array_equal(a, b) for a, b in zip(batch, other, strict=True))
