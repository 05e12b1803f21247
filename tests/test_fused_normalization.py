"""The fused kernel against Keras' own layer: outputs, gradients, running statistics, files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.compiled_model import set_precision
from dlkit.fused_normalization import fuse_batch_normalization

PICTURES = np.random.default_rng(0).normal(1, 3, (5, 4, 6, 3)).astype("float32")


def network(dtype="float32", **settings):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    normalization = layers.BatchNormalization(**settings)
    return keras.Sequential([keras.Input((4, 6, 3), dtype=dtype), layers.Conv2D(7, 3), normalization, layers.Flatten()])


def trained(model, steps=3):
    """Outputs, gradients of a few steps and all weights after them."""
    model.layers[1].momentum = 0.7
    seen = []
    for _ in range(steps):
        with tf.GradientTape() as tape:
            outputs = model(PICTURES, training=True)
            loss = tf.reduce_mean(tf.square(outputs - 0.3 * tf.sin(tf.range(outputs.shape[1], dtype=outputs.dtype))))
        gradients = tape.gradient(loss, model.trainable_variables)
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
            variable.assign_sub(0.1 * gradient)
        seen += [outputs, *gradients]
    return [np.asarray(value) for value in (*seen, *model.weights)]


@pytest.mark.parametrize("settings", [{}, {"scale": False}, {"center": False}, {"epsilon": 0.1, "axis": 3}])
def test_steps_are_those_of_keras(settings):
    ours, theirs = network(**settings), network(**settings)
    fuse_batch_normalization(ours)
    assert "call" in ours.layers[1].__dict__
    for a, b in zip(trained(ours), trained(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


def test_inference_frozen_layers_and_files_are_kerass_own(tmp_path):
    ours, theirs = network(), network()
    fuse_batch_normalization(ours)
    np.testing.assert_array_equal(ours(PICTURES), theirs(PICTURES))
    ours.layers[1].trainable = theirs.layers[1].trainable = False
    np.testing.assert_array_equal(ours(PICTURES, training=True), theirs(PICTURES, training=True))
    ours.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    assert type(loaded.layers[1]) is keras.layers.BatchNormalization
    assert "call" not in loaded.layers[1].__dict__
    np.testing.assert_array_equal(loaded(PICTURES), theirs(PICTURES))


def test_what_the_kernel_cannot_do_is_left_to_keras():
    rows = keras.Sequential([keras.Input((5,)), keras.layers.BatchNormalization()])
    first = keras.Sequential([keras.Input((4, 6, 3)), keras.layers.BatchNormalization(axis=1)])
    set_precision("float64")
    precise = network(dtype="float64")
    for model in (rows, first, precise):
        fuse_batch_normalization(model)
        assert not any("call" in layer.__dict__ for layer in model.layers)
