"""The contractive penalty: exact form and probe against finite differences in float64."""

import keras
import numpy as np
import pytest

from dlkit.components.layers._jacobian_penalty import JacobianPenalty
from dlkit.errors import InputError

layers = keras.layers


@pytest.fixture(autouse=True)
def double():
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    keras.utils.set_random_seed(3)


def network(shape, *stack):
    inputs = keras.Input(shape)
    outputs = inputs
    for layer in stack:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def penalty_of(encoder, **settings):
    penalty = JacobianPenalty(**settings)
    penalty.attach(encoder)
    return penalty


def finite_differences(encoder, x, step=1e-6):
    """||dh/dx||_F^2 for each example by central differences."""
    total = np.zeros(len(x))
    for index in np.ndindex(x.shape[1:]):
        moved = np.zeros_like(x)
        moved[(slice(None), *index)] = step
        slope = (np.asarray(encoder(x + moved)) - np.asarray(encoder(x - moved))) / (2 * step)
        total += (slope**2).reshape(len(x), -1).sum(axis=1)
    return total


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softplus", "elu", "linear"])
def test_exact_is_the_jacobian_of_one_dense_layer(activation):
    x = np.random.default_rng(0).normal(size=(4, 6))
    encoder = network((6,), layers.Dense(5, activation=activation, bias_initializer="glorot_uniform"))
    np.testing.assert_allclose(penalty_of(encoder, exact=True)(x), finite_differences(encoder, x), rtol=1e-7)


def test_exact_is_the_lectures_formula():
    x = np.random.default_rng(1).normal(size=(3, 4))
    encoder = network((4,), layers.Dense(2, activation="sigmoid"))
    kernel, h = np.asarray(encoder.layers[-1].kernel), np.asarray(encoder(x))
    np.testing.assert_allclose(
        penalty_of(encoder, exact=True)(x), ((h * (1 - h)) ** 2 * (kernel**2).sum(axis=0)).sum(axis=1)
    )


def deep():
    stack = [layers.Dense(7, activation="tanh"), layers.Dense(3, activation="sigmoid")]
    return network((5,), *stack), np.random.default_rng(2).normal(size=(3, 5))


def convolutional():
    stack = [
        layers.Conv2D(3, 3, strides=2, padding="same", activation="elu"),
        layers.Conv2D(2, 2, activation="softplus"),
        layers.Flatten(),
        layers.Dense(4, activation="sigmoid"),
    ]
    return network((6, 6, 1), *stack), np.random.default_rng(3).normal(size=(3, 6, 6, 1))


@pytest.mark.parametrize("case", [deep, convolutional])
def test_the_probe_is_unbiased(case):
    encoder, x = case()
    probe = penalty_of(encoder, seed=0)
    truth = finite_differences(encoder, x)
    copies = 20_000
    many = np.asarray(probe(np.repeat(x, copies, axis=0), training=True)).reshape(len(x), copies)
    error = many.std(axis=1) / copies**0.5
    assert np.all(np.abs(many.mean(axis=1) - truth) < 4 * error)
    assert np.all(error < 0.02 * truth)


def test_the_probe_draws_anew_in_training_alone():
    encoder, x = deep()
    probe = penalty_of(encoder, seed=0)
    np.testing.assert_array_equal(probe(x), probe(x))
    assert not np.allclose(probe(x, training=True), probe(x, training=True))


@pytest.mark.parametrize(
    ("layer", "what"),
    [(layers.Dense(2, activation="selu"), "Dense with selu"), (layers.LayerNormalization(), "LayerNormalization")],
)
def test_a_layer_without_derivative_is_refused(layer, what):
    with pytest.raises(InputError, match=f"no derivative is implemented for {what}"):
        JacobianPenalty().attach(network((4,), layer))
