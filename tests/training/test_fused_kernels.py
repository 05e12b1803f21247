"""The fused kernels against Keras' own layer and optimizer: outputs, gradients, running statistics, weights, files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.model.build import set_precision
from dlkit.training.fused_kernels import use_fused_kernels

PICTURES = np.random.default_rng(0).normal(1, 3, (5, 4, 6, 3)).astype("float32")


def network(dtype="float32", **settings):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    normalization = layers.BatchNormalization(**settings)
    model = keras.Sequential(
        [keras.Input((4, 6, 3), dtype=dtype), layers.Conv2D(7, 3), normalization, layers.Flatten()]
    )
    model.compile(keras.optimizers.SGD(), "mse")
    return model


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
    use_fused_kernels(ours)
    assert "call" in ours.layers[1].__dict__
    for a, b in zip(trained(ours), trained(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


def test_inference_frozen_layers_and_files_are_kerass_own(tmp_path):
    ours, theirs = network(), network()
    use_fused_kernels(ours)
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
        model.compile(keras.optimizers.SGD(), "mse")
        use_fused_kernels(model)
        assert not any("call" in layer.__dict__ for layer in model.layers)


ADAMS = [
    keras.optimizers.Adam(0.01, beta_1=0.8, epsilon=1e-3),
    keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.02, 5), epsilon=1e-3, clipnorm=0.1, use_ema=True),
    keras.optimizers.AdamW(0.01, epsilon=1e-3, weight_decay=0.1, gradient_accumulation_steps=2),
]


def after_steps(optimizer, fused, monkeypatch):
    """All variables of a network and its optimizer after six steps."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4, 6, 3)), keras.layers.Flatten(), keras.layers.Dense(5), keras.layers.Dense(2)]
    )
    model.compile(type(optimizer).from_config(optimizer.get_config()), "mse", jit_compile=False)
    if fused:
        use_fused_kernels(model)
        monkeypatch.setattr(keras.optimizers.Adam, "update_step", None)  # nobody calls it
    targets = np.random.default_rng(1).normal(size=(5, 2)).astype("float32")
    model.fit(PICTURES, targets, batch_size=5, epochs=6, verbose=0)
    monkeypatch.undo()
    return [np.asarray(variable) for variable in (*model.weights, *model.optimizer.variables)]


@pytest.mark.parametrize("optimizer", ADAMS, ids=["plain", "schedule, clipping, average", "decay, accumulation"])
def test_updates_are_those_of_keras(optimizer, monkeypatch):
    ours, theirs = (after_steps(optimizer, fused, monkeypatch) for fused in (True, False))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-5)


def test_other_optimizers_are_left_as_they_are():
    for optimizer in (keras.optimizers.Adam(amsgrad=True), keras.optimizers.Nadam(), keras.optimizers.RMSprop()):
        model = network()
        model.compile(optimizer, "mse")
        use_fused_kernels(model)
        assert "update_step" not in optimizer.__dict__
