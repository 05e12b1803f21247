"""ConvMuon's steps against NumPy; what it leaves to AdamW."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from dlkit.components.optimizers.conv_muon import ConvMuon

A, B, C = 3.4445, -4.7750, 2.0315  # Jordan (2024)


def orthogonalised(matrix, steps):
    """Newton and Schulz' quintic iteration, on the smaller side."""
    turned = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if turned else matrix
    x = x / np.linalg.norm(x)
    for _ in range(steps):
        square = x @ x.T
        x = A * x + (B * square + C * square @ square) @ x
    return x.T if turned else x


def variable(shape, path="kernel", seed=0):
    values = np.random.default_rng(seed).normal(size=shape).astype("float32")
    return keras.Variable(values, name=path)


def stepped(weight, gradients, **settings):
    """The weight after one step for each gradient, without decay."""
    optimizer = ConvMuon(weight_decay=None, adam_weight_decay=None, **settings)
    optimizer.build([weight])
    for gradient in gradients:
        optimizer.apply([gradient], [weight])
    return convert_to_numpy(weight)


def gradients_like(weight, count=2):
    return [np.random.default_rng(7 + step).normal(size=weight.shape).astype("float32") for step in range(count)]


@pytest.mark.parametrize("shape", [(3, 3, 4, 16), (3, 3, 2, 8), (5, 3, 6), (6, 4)])
def test_a_kernel_steps_as_the_matrix_of_its_inputs(shape):
    weight = variable(shape)
    before, gradients = convert_to_numpy(weight).reshape(-1, shape[-1]), gradients_like(weight)
    after = stepped(weight, gradients, learning_rate=0.1, momentum=0.9)

    momentum = np.zeros_like(before)
    for gradient in gradients:
        gradient = gradient.reshape(before.shape)
        momentum = 0.9 * momentum + gradient
        step = orthogonalised(gradient + 0.9 * momentum, 5)
        before = before - 0.1 * 0.2 * max(before.shape) ** 0.5 * step
    np.testing.assert_allclose(after.reshape(before.shape), before, rtol=1e-4, atol=1e-5)


def test_the_singular_values_of_a_step_are_near_one():
    weight = variable((3, 3, 16, 32))
    before = convert_to_numpy(weight)
    step = before - stepped(weight, gradients_like(weight, 1), learning_rate=1.0, rms_rate=None)
    values = np.linalg.svd(step.reshape(-1, 32), compute_uv=False)
    assert values.min() > 0.6
    assert values.max() < 1.3


@pytest.mark.parametrize(
    ("shape", "exclude"),
    [((8,), None), ((3, 3, 8, 1), None), ((1, 8), None), ((6, 4), ["kern"]), ((3, 3, 4, 8), ["kernel"])],
)
def test_vectors_single_columns_and_excluded_layers_go_with_adamw(shape, exclude):
    weight, twin = variable(shape), variable(shape)
    gradients = gradients_like(weight)
    after = stepped(weight, gradients, learning_rate=0.01, adam_lr_ratio=0.5, exclude_layers=exclude)
    adam = keras.optimizers.Adam(learning_rate=0.005)
    for gradient in gradients:
        adam.apply([gradient], [twin])
    np.testing.assert_allclose(after, convert_to_numpy(twin), rtol=1e-6, atol=1e-7)


def test_a_dense_kernel_steps_as_with_keras_muon():
    weight, twin = variable((12, 5)), variable((12, 5))
    gradients = gradients_like(weight, 3)
    after = stepped(weight, gradients, learning_rate=0.02)
    muon = keras.optimizers.Muon(learning_rate=0.02, weight_decay=None, adam_weight_decay=None)
    muon.build([twin])
    for gradient in gradients:
        muon.apply([gradient], [twin])
    np.testing.assert_allclose(after, convert_to_numpy(twin), rtol=1e-5, atol=1e-6)


def test_each_rule_has_its_own_decay():
    kernel, bias = variable((3, 3, 4, 8)), variable((8,), "bias")
    optimizer = ConvMuon(learning_rate=0.1, weight_decay=0.5, adam_weight_decay=0.2)
    optimizer.build([kernel, bias])
    before = [convert_to_numpy(kernel), convert_to_numpy(bias)]
    optimizer.apply([np.zeros(kernel.shape, "float32"), np.zeros(8, "float32")], [kernel, bias])
    np.testing.assert_allclose(convert_to_numpy(kernel), before[0] * (1 - 0.1 * 0.5), rtol=1e-6)
    np.testing.assert_allclose(convert_to_numpy(bias), before[1] * (1 - 0.1 * 0.2), rtol=1e-6)


def test_its_settings_survive_saving():
    optimizer = ConvMuon(learning_rate=0.03, exclude_layers=["dense"], momentum=0.8, adam_lr_ratio=0.3)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is ConvMuon
    assert again.get_config() == optimizer.get_config()
