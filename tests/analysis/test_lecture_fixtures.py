"""Worked figures of decks 000, 002 and 004 against the objects that recipes name."""

import keras
import numpy as np
import pytest

from dlkit.catalog.create import Component, create
from dlkit.worked import fixtures

Z = np.array(fixtures.Z, "float32")
T, P = np.array([fixtures.T], "float32"), np.array([fixtures.P], "float32")
LOSSES = fixtures.LOSSES


def layer(name, **settings):
    return create(Component("layer", name, settings))


def values(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize(("name", "expected"), fixtures.ACTIVATIONS.items())
def test_activations(name, expected):
    assert values(layer("Activation", activation=name)(Z[None]))[0] == pytest.approx(expected, abs=1e-6)


def test_leaky_relu_and_both_forms_of_the_sigmoid():
    assert values(layer("LeakyReLU", negative_slope=0.1)(Z)) == pytest.approx(fixtures.LEAKY)
    np.testing.assert_allclose(1 / (1 + np.exp(-Z)), np.exp(Z) / (1 + np.exp(Z)), rtol=1e-6)


def test_one_neuron_with_relu():
    neuron = layer("Dense", units=1, activation="relu")
    neuron.build((None, 3))
    neuron.set_weights([np.array([[1.0], [-2.0], [0.5]]), np.array([0.25])])
    assert values(neuron(np.array([[2.0, 0.5, 1.0], [0.0, 1.0, 0.0]])))[:, 0].tolist() == [1.75, 0.0]


def test_negative_log_likelihood_of_the_softmax():
    target = np.eye(5, dtype="float32")[[4]]
    probabilities = keras.ops.softmax(Z[None])
    assert float(keras.losses.CategoricalCrossentropy()(target, probabilities)) == pytest.approx(
        fixtures.LOG_LIKELIHOOD, rel=1e-6
    )


def test_losses_of_the_deck_beside_those_of_keras():
    mean_error = float(keras.losses.MeanSquaredError()(T, P))
    mean_entropy = float(keras.losses.BinaryCrossentropy()(T, P))
    assert mean_error == pytest.approx(LOSSES["squared error of Keras"], rel=1e-6)
    assert mean_error * T.size == pytest.approx(LOSSES["squared error of the deck"], rel=1e-6)
    assert mean_entropy == pytest.approx(LOSSES["cross-entropy of Keras"], rel=1e-5)
    assert mean_entropy * T.size == pytest.approx(LOSSES["cross-entropy of the deck"], rel=1e-5)
    assert float(keras.losses.MeanAbsoluteError()(T, P)) == pytest.approx(LOSSES["absolute error"], rel=1e-6)


def test_batch_normalization_of_the_deck():
    rows = np.array(fixtures.BATCH, "float32")
    normalize = layer("BatchNormalization")
    found = values(normalize(rows, training=True))
    np.testing.assert_allclose(found, fixtures.NORMALIZED, atol=2e-6)
    assert (normalize.epsilon, normalize.momentum) == (1e-3, 0.99)
    assert values(normalize.moving_mean) == pytest.approx(0.01 * rows.mean(0), rel=1e-5)
    normalize.gamma.assign(np.sqrt(rows.var(0) + 1e-3))  # with gamma = sigma alone it is not exact
    normalize.beta.assign(rows.mean(0))
    np.testing.assert_allclose(values(normalize(rows, training=True)), rows, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "of_keras", "penalty"),
    [("L2PerExample", {"L2": {"l2": 0.1 / 20}}, 0.1 * 0.2625), ("L1PerExample", {"L1": {"l1": 0.1 / 10}}, 0.1 * 0.35)],
)
def test_penalties_in_the_decks_convention(name, of_keras, penalty):
    weights = np.array(fixtures.WEIGHTS, "float32")
    deck = create(Component("regularizer", name, {"lambda_": 0.1, "examples": 10}))
    [(word, settings)] = of_keras.items()
    assert float(deck(weights)) == pytest.approx(penalty, rel=1e-6)
    assert float(deck(weights)) == pytest.approx(float(create(Component("regularizer", word, settings))(weights)))
    again = keras.regularizers.deserialize(keras.regularizers.serialize(deck))
    assert again.get_config() == {"lambda_": 0.1, "examples": 10}


def test_weight_decay_shrinks_by_one_minus_eta_lambda_over_n():
    import tensorflow as tf

    weights = tf.Variable(fixtures.WEIGHTS, dtype=tf.float64)
    penalty = create(Component("regularizer", "L2PerExample", {"lambda_": 0.1, "examples": 10}))
    with tf.GradientTape() as tape:
        value = penalty(weights)
    weights.assign_sub(0.01 * tape.gradient(value, weights))
    assert weights.numpy().tolist() == pytest.approx(fixtures.DECAYED, rel=1e-12)


PATCH, SHARPEN = fixtures.PATCH, fixtures.SHARPEN
STRIDE_1 = np.array(fixtures.SHARPENED).tolist()


def convolved(image, kernel, **settings):
    convolution = layer("Conv2D", filters=1, kernel_size=3, use_bias=False, **settings)
    convolution.build((None, None, None, 1))
    convolution.set_weights([np.array(kernel, "float32")[:, :, None, None]])
    return values(convolution(np.array(image, "float32")[None, :, :, None]))[0, :, :, 0]


def test_the_worked_convolution_of_deck_000():
    assert convolved(PATCH, SHARPEN, padding="same").tolist() == STRIDE_1
    padded = np.pad(PATCH, 1)
    by_two = convolved(padded, SHARPEN, strides=2)
    assert by_two.tolist() == [row[::2] for row in STRIDE_1[::2]]
    assert by_two[0, 0] == 320


def test_the_edge_filter_of_deck_000_keeps_the_size_of_a_picture():
    """The vertical Sobel kernel, flipped, since the deck's is a true convolution."""
    kernel = np.array(fixtures.VERTICAL)[::-1, ::-1]
    picture = np.zeros((576, 768))
    picture[:, 400:] = 1
    edges = convolved(picture, kernel, padding="same")
    assert edges.shape == (576, 768)
    assert edges[10, 398:402].tolist() == [0, 4, 4, 0]


def test_the_worked_poolings_of_deck_000():
    image = np.array(fixtures.POOLED_IMAGE, "float32")[None, :, :, None]
    pool = layer("MaxPooling2D", pool_size=2)
    pooled = {name: np.array(rows).tolist() for name, rows in fixtures.POOLED.items()}
    assert values(pool(image))[0, :, :, 0].tolist() == pooled["max"]
    assert (-values(pool(-image)))[0, :, :, 0].tolist() == pooled["min"]
    mean = layer("AveragePooling2D", pool_size=2)
    assert values(mean(image))[0, :, :, 0].tolist() == pooled["average"]
    assert pool.count_params() == 0


def test_dropout_keeps_the_mean_in_training_and_everything_at_inference():
    drop, ones = layer("Dropout", rate=0.25, seed=0), np.ones((100, 1000), "float32")
    trained = values(drop(ones, training=True))
    assert np.unique(trained).tolist() == pytest.approx([0, 1 / 0.75])
    assert trained.mean() == pytest.approx(1, abs=0.01)
    assert values(drop(ones, training=False)).tolist() == ones.tolist()


def test_the_gradient_through_a_recurrent_neuron_is_bounded():
    """|dh_t / di_(t-k)| <= |w_rec|^k |w_in|; the bound is met where the activation is linear (deck 002)."""
    import tensorflow as tf

    for activation in ("linear", "tanh"):
        recurrent = layer("SimpleRNN", units=1, activation=activation)
        recurrent.build((None, 11, 1))
        recurrent.set_weights([np.array([[fixtures.W_IN]]), np.array([[fixtures.W_REC]]), np.zeros(1)])
        inputs = tf.Variable(np.linspace(-1, 1, 11).reshape(1, 11, 1).astype("float32"))
        with tf.GradientTape() as tape:
            last = recurrent(inputs)
        first = abs(float(tape.gradient(last, inputs)[0, 0, 0]))
        bound = 0.9**10 * 0.5
        assert bound == pytest.approx(fixtures.BOUND_10, rel=1e-7)
        assert first == pytest.approx(bound, rel=1e-5) if activation == "linear" else first < bound
