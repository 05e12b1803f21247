"""lesion: what is taken out, how accuracy is measured without it, and the gradients along single paths."""

from itertools import product
from math import comb

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import CheckError
from dlkit.experiments.lesion import _Bench, _kept, gradient_along, measure_lesions
from dlkit.model.lesions import lesions_of, plain_layers, residual_blocks, run_graph
from dlkit.model.splits import read_split
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.training.run import train_recipe

DIGITS = ["data.source=digits", "data.limit=200", "data.augment=[]", "training.epochs=1", "expect={}"]


@pytest.fixture(scope="module")
def residual(places, silent):
    """A trained ResNet of three blocks on digits."""
    loaded = load_recipe("resnet20", [*DIGITS, "model.resnet={depth: 8, width_divisor: 4}"])
    return open_run(train_recipe(loaded, places / "runs", silent()).run)


def outputs(network, x, replaced):
    def operation(layer):
        return replaced.get(layer.name) or (lambda *a, **k: layer(*a, **k))

    return np.asarray(run_graph(network, x, operation))


def test_without_a_block_its_shortcut_is_left(residual):
    network = residual.built.network
    blocks = residual_blocks(network)
    assert [block.name for block in blocks] == [f"stack{n}_block1_add" for n in (1, 2, 3)]
    assert blocks[1].layers == ("stack2_block1_conv1", "stack2_block1_conv2")
    x = tf.random.stateless_uniform([4, 8, 8, 1], [1, 2])
    whole = outputs(network, x, {})
    np.testing.assert_allclose(whole, network(x, training=False), rtol=1e-5)
    for block in blocks:
        norm = network.get_layer(block.name.replace("add", "conv2_bn"))
        before = [norm.gamma.numpy(), norm.beta.numpy()]
        norm.gamma.assign(0 * before[0])
        norm.beta.assign(0 * before[1])  # a branch that gives zero is a branch that is gone
        silenced = network(x, training=False)
        norm.gamma.assign(before[0])
        norm.beta.assign(before[1])
        lesioned = outputs(network, x, block.replaced)
        np.testing.assert_allclose(lesioned, silenced, rtol=1e-5)
        assert not np.allclose(lesioned, whole, rtol=1e-3)


def test_without_a_layer_its_input_is_left(tiny):
    found, kept = plain_layers(keras.Sequential([
        keras.Input([6, 6, 2]),
        keras.layers.Conv2D(2, 3, padding="same", name="same"),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
        keras.layers.Conv2D(3, 3, padding="same", name="wider"),
        keras.layers.Flatten(),
        keras.layers.Dense(4, name="last"),
    ]))  # fmt: skip
    assert ([lesion.name for lesion in found], kept) == (["same"], ["wider"])
    assert len(found[0].replaced) == 3  # with its normalization and activation
    unit, lesions, kept = lesions_of(tiny.built.network)
    assert (unit, lesions, kept) == ("layer", [], ["conv2d", "conv2d_1"])


def test_statistics_are_those_of_train_and_put_back(residual):
    bench = _Bench(residual, 40, 0)
    norm = residual.built.network.get_layer("conv1_bn")
    before = norm.moving_mean.numpy()
    train = read_split(residual, "train")  # all of it fits into one batch
    x = residual.built.preprocess(np.asarray(train.inputs))
    convolved = np.asarray(residual.built.network.get_layer("conv1")(x))
    seen = []
    accuracy = bench.accuracy

    def noted(replaced):
        seen.append(norm.moving_mean.numpy())
        return accuracy(replaced)

    bench.accuracy = noted
    found = bench.both({})
    np.testing.assert_allclose(seen[1], convolved.mean((0, 1, 2)), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(norm.moving_mean.numpy(), before)
    assert norm.momentum == 0.99
    assert 0 <= found["reestimated"] <= 1


def test_gradients_along_all_paths_add_up_to_the_whole_one(residual):
    blocks, train = residual_blocks(residual.built.network), read_split(residual, "train")
    along = gradient_along(residual, blocks, train)
    total = sum(along(tf.constant(mask, tf.float32)).numpy() for mask in product((0, 1), repeat=3))
    x = tf.convert_to_tensor(residual.built.preprocess(np.asarray(train.inputs[:64])))
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = residual.built.network(x, training=False)
        loss = -tf.reduce_mean(tf.math.log(tf.gather(scores, train.targets[:64], batch_dims=1)))
    np.testing.assert_allclose(total, tape.gradient(loss, x), rtol=1e-3, atol=1e-6)


def test_results_are_kept_in_the_run_and_continued(residual):
    begun = []

    def stop(entry):
        begun.append(entry["name"])
        if len(begun) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_lesions(residual, 30, 0, stop)
    later = []
    result = measure_lesions(residual, 30, 0, later.append)
    assert [entry["name"] for entry in later] == ["stack3_block1_add"]
    assert [entry["name"] for entry in result["lesions"]] == [*begun, "stack3_block1_add"]
    bench = _Bench(residual, 30, 0)
    blocks = residual_blocks(residual.built.network)
    assert result["lesions"][2]["accuracy"] == bench.accuracy(blocks[2].replaced)
    assert result["whole"] == bench.accuracy({})
    assert [path["paths"] for path in result["paths"]] == [comb(3, k) for k in range(4)]


def test_statistics_of_several_batches_are_those_of_all_their_examples(residual, monkeypatch):
    monkeypatch.setattr("dlkit.experiments.lesion.BATCH", 16)
    bench = _Bench(residual, 40, 0)
    assert len(bench.train) == 160  # the last batch of 180 examples has 4
    norm = residual.built.network.get_layer("conv1_bn")
    x = residual.built.preprocess(np.asarray(bench.train.inputs))
    convolved = np.asarray(residual.built.network.get_layer("conv1")(x))
    with _kept(bench._norms):
        bench._estimate({})
        np.testing.assert_allclose(norm.moving_mean, convolved.mean((0, 1, 2)), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(norm.moving_variance, convolved.var((0, 1, 2)), rtol=1e-4, atol=1e-5)


def test_other_weights_are_measured_anew_and_other_data_is_refused(residual):
    measure_lesions(residual, 20, 0, lambda entry: None)
    kernel, later = residual.built.network.get_layer("conv1").kernel, []
    before = kernel.numpy()
    kernel.assign(0 * before)
    measure_lesions(residual, 20, 0, later.append)
    kernel.assign(before)
    assert len(later) == 3
    known = residual.run.read_json("data.json")
    changed = known["fingerprints"] | {"validation": known["fingerprints"]["validation"] | {"inputs": "other"}}
    residual.run.write_json("data.json", known | {"fingerprints": changed})
    with pytest.raises(CheckError, match="the validation data differs"):
        measure_lesions(residual, 20, 0, later.append)
    residual.run.write_json("data.json", known)
