"""Every example equals the deck's figures, and what Keras computes from the same numbers."""

import keras
import numpy as np
import pytest

from dlkit.recipe import load_recipe
from dlkit.worked import fixtures
from dlkit.worked.activations import FUNCTIONS
from dlkit.worked.examples import (
    backprop,
    batchnorm,
    conv,
    cross_entropy,
    dice,
    dropout,
    edges,
    gru,
    kl,
    lstm,
    neuron,
    pool,
    regularisers,
    rnn,
    softmax,
    transposed,
    unpool,
    upsample,
)


def values(tensor):
    return keras.ops.convert_to_numpy(tensor)


def pixels(array):
    return np.asarray(array, "float32")[None, :, :, None]


def weighted(layer, shape, *weights):
    """A layer with these weights."""
    layer.build(shape)
    layer.set_weights([np.asarray(item, "float32") for item in weights])
    return layer


def results(worked):
    return {result.name: result.value for result in worked.results}


def test_the_neuron_has_the_decks_losses_and_weights():
    worked = neuron.work()
    history = worked.grid("training")
    assert len(history) == 688
    for epoch, loss in fixtures.NEURON_LOSSES.items():
        assert history[epoch, 1] == pytest.approx(loss, rel=1e-12)
    assert history[0, -3:] == pytest.approx(fixtures.NEURON_FIRST, rel=1e-12)
    assert history[-1, -3:] == pytest.approx(fixtures.NEURON_LAST, rel=1e-12)
    start, _, end = worked.grids
    assert start.values[0][4:7] == pytest.approx(fixtures.NEURON_SAMPLE_0, rel=1e-12)
    assert [row[-1] for row in start.values].count("right") == 6
    assert [row[-1] for row in end.values] == ["right"] * 12
    assert start.formula == "6 of 12 right"


def test_the_recipe_of_the_neuron_has_the_same_samples_and_start():
    recipe = load_recipe("single_neuron").recipe
    assert recipe.data.source.settings["rows"] == [list(row) for row in fixtures.SAMPLES]
    dense = recipe.model.settings["layers"][0].settings
    start = [dense["bias_initializer"].settings["values"], *dense["kernel_initializer"].settings["values"]]
    assert np.ravel(start).tolist() == list(fixtures.START)


def test_gradients_of_the_neuron_are_those_of_a_keras_layer():
    import tensorflow as tf

    rows = np.array([[0.5, -1, 2, 1], [1, 0.25, -0.5, 0]])
    worked = neuron.work(rows, (0.1, 0.2, -0.3, 0.4), learning_rate=0.5, epochs=1)
    layer = weighted(keras.layers.Dense(1, activation="sigmoid"), (None, 3), [[0.2], [-0.3], [0.4]], [0.1])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((layer(rows[:, :3].astype("float32"))[:, 0] - rows[:, 3]) ** 2) / 2
    kernel, bias = tape.gradient(loss, layer.trainable_variables)
    (epoch,) = worked.grid("training")
    assert epoch[1] == pytest.approx(float(loss), rel=1e-6)
    assert epoch[2:6] == pytest.approx([*values(bias), *values(kernel)[:, 0]], rel=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_convolution_is_the_decks_and_that_of_keras(stride):
    worked = conv.work(stride=stride)
    assert worked.grid("output").tolist() == np.array(fixtures.SHARPENED)[::stride, ::stride].tolist()
    kernel = np.array([[1, 2, 0], [0, -1, 3]])
    found = conv.work(fixtures.PATCH, kernel, 1, 0, at=(1, 2))
    layer = weighted(keras.layers.Conv2D(1, (2, 3), use_bias=False), (None, 5, 5, 1), kernel[:, :, None, None])
    assert found.grid("output").tolist() == values(layer(pixels(fixtures.PATCH)))[0, :, :, 0].tolist()
    assert found.results[-1].formula == "1*103 + 2*101 + (-1)*102 + 3*100"
    assert found.results[-1].value == found.grid("output")[1, 2]
    assert conv.work(kernel=kernel, stride=1, padding=0, flip=True).grid("kernel").tolist() == [[3, -1, 0], [0, 2, 1]]


def test_poolings_are_the_decks():
    worked = pool.work()
    for name, expected in fixtures.POOLED.items():
        assert worked.grid(name).tolist() == np.array(expected).tolist()
    overlapping = pool.work(fixtures.PATCH, window=3, stride=1)
    keras_pool = keras.layers.MaxPooling2D(3, strides=1)
    assert overlapping.grid("max").tolist() == values(keras_pool(pixels(fixtures.PATCH)))[0, :, :, 0].tolist()


def test_edges_are_a_true_convolution_that_keeps_the_size():
    picture = np.zeros((576, 768))
    picture[:, 400:] = 1
    worked = edges.work(picture)
    assert worked.grid("vertical edges").shape == (576, 768)
    assert worked.grid("vertical edges")[10, 398:402].tolist() == [0, 4, 4, 0]
    assert not worked.grid("horizontal edges")[10, 10:-10].any()
    assert edges.work(fixtures.SQUARE, kernel=[[0, 0, 1]]).grid("output")[2].tolist() == [0, 0, 0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(("stride", "padding"), [(2, 0), (2, 1), (1, 0), (3, 0)])
def test_the_transposed_convolution_is_the_one_over_inserted_zeros(stride, padding):
    kernel = np.arange(9).reshape(3, 3)
    worked = transposed.work(fixtures.SMALL_IMAGE, kernel, stride, padding)
    again = conv.work(worked.grid("input with inserted zeros"), kernel, 1, 0, flip=True)
    assert worked.grid("output").tolist() == again.grid("output").tolist()
    if not padding:
        layer = keras.layers.Conv2DTranspose(1, 3, strides=stride, use_bias=False)
        built = weighted(layer, (None, 2, 2, 1), kernel[:, :, None, None])
        assert worked.grid("output").tolist() == values(built(pixels(fixtures.SMALL_IMAGE)))[0, :, :, 0].tolist()


def test_the_transposed_convolution_of_the_deck():
    worked = transposed.work()
    assert worked.grid("output").tolist() == np.array(fixtures.TRANSPOSED).tolist()
    assert worked.grid("pixels that add to an output").max() == 4
    assert "checkerboard" in worked.notes[1]


def test_unpooling_puts_maxima_back():
    worked = unpool.work()
    assert worked.grid("unpooled").tolist() == [[0, 0, 0, 0], [0, 6, 0, 8], [3, 0, 0, 0], [0, 0, 0, 4]]
    assert worked.grids[2].values == [["1, 1", "1, 3"], ["2, 0", "3, 3"]]


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_upsampling_is_that_of_keras(factor, interpolation):
    picture = np.array(fixtures.PATCH)[:3]
    found = upsample.work(picture, factor).grid(interpolation)
    layer = keras.layers.UpSampling2D(factor, interpolation=interpolation)
    np.testing.assert_allclose(found, values(layer(pixels(picture)))[0, :, :, 0], rtol=1e-6)


def test_bilinear_upsampling_of_the_deck():
    assert upsample.work().grid("bilinear").tolist() == np.array(fixtures.BILINEAR).tolist()


def test_softmax_and_likelihood():
    worked = softmax.work()
    assert worked.grid("softmax")[:, 3] == pytest.approx(fixtures.ACTIVATIONS["softmax"], abs=1e-6)
    assert results(worked)["negative log-likelihood"] == pytest.approx(fixtures.LOG_LIKELIHOOD, rel=1e-9)
    assert results(worked)["argmax"] == 4
    assert results(softmax.work((0, 1000), 0))["negative log-likelihood"] == 1000


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (cross_entropy.work, fixtures.LOSSES),
        (dice.work, fixtures.OVERLAPS),
        (kl.work, fixtures.DIVERGENCES),
        (regularisers.work, fixtures.PENALTIES),
    ],
)
def test_losses_overlaps_divergences_and_penalties(work, expected):
    found = results(work())
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-6)


def test_dice_and_iou_agree():
    found = results(dice.work([[1, 1, 0], [0, 1, 0]], [[0.6, 0.4, 0.7], [0.1, 0.9, 0.2]]))
    assert found["Dice from IoU"] == pytest.approx(found["hard Dice"])
    target, given = np.array([[1.0, 1, 0, 0, 1, 0]]), np.array([[0.6, 0.4, 0.7, 0.1, 0.9, 0.2]])
    assert found["Dice loss of Keras"] == pytest.approx(float(keras.losses.Dice()(target, given)), rel=1e-5)


def test_one_update_with_penalties():
    weights = regularisers.work().grid("weights after one update")
    assert weights[:, 2] == pytest.approx(fixtures.DECAYED, rel=1e-12)
    assert weights[:, 3] == pytest.approx([0.4999, -0.9999, 1.9999])
    assert regularisers.work(gradient=(1, 2, 3)).grid("weights after one update")[:, 1] == pytest.approx(
        [0.49, -1.02, 1.97]
    )


def test_batch_normalization_in_training_and_with_both_kinds_of_statistics():
    rows = np.array([*fixtures.BATCH, (2, 2), (7, 1), (0, 5)], float)
    worked = batchnorm.work(rows, 3, gamma=(2, 3), beta=(1, -1), momentum=0.9)
    layer = keras.layers.BatchNormalization(momentum=0.9)
    layer.build((None, 2))
    layer.gamma.assign([2, 3])
    layer.beta.assign([1, -1])
    trained = [values(layer(rows[at : at + 3].astype("float32"), training=True)) for at in (0, 3)]
    np.testing.assert_allclose(worked.grid("in training"), np.concatenate(trained), atol=1e-5)
    running = values(layer(rows.astype("float32"), training=False))
    np.testing.assert_allclose(worked.grid("at inference, running"), running, atol=1e-5)
    full = worked.grid("at inference, full pass")
    np.testing.assert_allclose(full.mean(0), [1, -1], atol=1e-12)
    np.testing.assert_allclose(batchnorm.work().grid("in training"), fixtures.NORMALIZED, atol=1e-6)
    scale = np.sqrt(np.var(fixtures.BATCH, 0) + 1e-3)
    restored = batchnorm.work(gamma=scale, beta=np.mean(fixtures.BATCH, 0)).grid("in training")
    np.testing.assert_allclose(restored, fixtures.BATCH, atol=1e-12)


def test_dropout_has_the_same_mean_in_both_conventions():
    worked = dropout.work((1, 2, 3, 4), 0.25, kept=(1, 0, 1, 1)).grid("values")
    assert worked[:, 2].tolist() == [1, 0, 3, 4]
    assert worked[:, 3] == pytest.approx([4 / 3, 0, 4, 16 / 3])
    assert worked[:, 4].tolist() == [1, 2, 3, 4]
    assert worked[:, 5].tolist() == [0.75, 1.5, 2.25, 3]
    many = dropout.work(np.ones(20_000), 0.25).grid("values")
    assert many[:, 3].mean() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "linear"])
def test_the_recurrent_layer_and_its_gradient_are_those_of_keras(activation):
    import tensorflow as tf

    draw = np.random.default_rng(0)
    steps, into, back, bias = draw.normal(size=(5, 3)), draw.normal(size=(3, 2)), draw.normal(size=(2, 2)), (0.1, -0.2)
    layer = keras.layers.SimpleRNN(2, activation=activation, return_sequences=True)
    built = weighted(layer, (None, None, 3), into, back, bias)
    inputs = tf.Variable(steps[None].astype("float32"))
    with tf.GradientTape() as tape:
        outputs = built(inputs)
        last = outputs[0, -1]
    slopes = values(tape.jacobian(last, inputs))[:, 0]  # (units, steps, inputs)
    worked = rnn.work(steps, into, back, bias, activation)
    np.testing.assert_allclose(worked.grid("steps")[:, -2:], values(outputs)[0], rtol=1e-4, atol=1e-6)
    for k, size, bound in worked.grid("gradient through time"):
        assert size == pytest.approx(np.linalg.norm(slopes[:, -1 - int(k)], 2), rel=1e-3, abs=1e-6)
        assert size <= bound * (1 + 1e-9)


def test_the_bound_of_the_deck_is_met_by_a_linear_neuron():
    rows = rnn.work(activation="linear").grid("gradient through time")
    assert rows[10, 1:] == pytest.approx([fixtures.BOUND_10] * 2, rel=1e-7)


@pytest.mark.parametrize("units", [1, 2])
def test_the_lstm_is_that_of_keras(units):
    draw = np.random.default_rng(1)
    steps, into, back = draw.normal(size=(4, 2)), draw.normal(size=(2, 4 * units)), draw.normal(size=(units, 4 * units))
    bias = draw.normal(size=4 * units)
    layer = keras.layers.LSTM(units, return_sequences=True, return_state=True)
    built = weighted(layer, (None, None, 2), into, back, bias)
    outputs, _, cell = built(steps[None].astype("float32"))
    worked = lstm.work(steps, into, back, bias)
    found = worked.grid("steps")
    np.testing.assert_allclose(found[:, -units:], values(outputs)[0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[-1, 3 + 3 * units : 3 + 4 * units], values(cell)[0], rtol=1e-4)
    assert results(worked)["parameters"] == built.count_params()
    later = lstm.work(steps[2:], into, back, bias, found[1, 3 + 3 * units : 3 + 4 * units], found[1, -units:])
    np.testing.assert_allclose(later.grid("steps")[:, 1:], found[2:, 1:], rtol=1e-12)


@pytest.mark.parametrize("units", [1, 2])
@pytest.mark.parametrize("reset_after", [True, False])
def test_the_gru_is_that_of_keras(units, reset_after):
    draw = np.random.default_rng(3)
    steps, into, back = draw.normal(size=(4, 2)), draw.normal(size=(2, 3 * units)), draw.normal(size=(units, 3 * units))
    bias = draw.normal(size=(1 + reset_after, 3 * units))
    layer = keras.layers.GRU(units, return_sequences=True, reset_after=reset_after)
    built = weighted(layer, (None, None, 2), into, back, bias if reset_after else bias[0])
    worked = gru.work(steps, into, back, bias)
    found = worked.grid("steps")[:, -units:]
    np.testing.assert_allclose(found, values(built(steps[None].astype("float32")))[0], rtol=1e-4, atol=1e-6)
    assert results(worked)["parameters"] == built.count_params()


@pytest.mark.parametrize(("activation", "cost"), [("sigmoid", "mse"), ("tanh", "mse"), ("sigmoid", "cross-entropy")])
def test_backpropagation_is_that_of_the_framework(activation, cost):
    import tensorflow as tf

    draw = np.random.default_rng(2)
    x, y = draw.normal(size=(3, 2)), draw.integers(0, 2, (3, 2)).astype(float)
    shapes = ((2, 4), (4, 3), (3, 2))
    weights, biases = [draw.normal(size=shape) for shape in shapes], [draw.normal(size=(1, n)) for _, n in shapes]
    worked = backprop.work(x, y, weights, biases, activation, cost)
    variables = [tf.Variable(w) for w in weights], [tf.Variable(b) for b in biases]
    with tf.GradientTape() as tape:
        a = tf.constant(x)
        for w, b in zip(*variables, strict=True):
            a = getattr(tf.math, activation)(a @ w + b)
        errors = (a - y) ** 2 if cost == "mse" else -(y * tf.math.log(a) + (1 - y) * tf.math.log(1 - a))
        loss = tf.reduce_sum(errors) / 3
    slopes = tape.gradient(loss, [*variables[0], *variables[1]])
    assert results(worked)["C"] == pytest.approx(float(loss))
    assert results(worked)["largest difference"] < 1e-8
    for number in (1, 2, 3):
        np.testing.assert_allclose(worked.grid(f"dC/dw {number}"), slopes[number - 1], rtol=1e-9)
        np.testing.assert_allclose(worked.grid(f"dC/db {number}"), slopes[number + 2], rtol=1e-9)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_activations_and_their_derivatives(name):
    function, slope, _ = FUNCTIONS[name]
    z = np.array(fixtures.Z, float)
    assert function(z) == pytest.approx({**fixtures.ACTIVATIONS, "leaky_relu": fixtures.LEAKY}[name], abs=1e-6)
    z = z[z != 0]
    assert slope(z) == pytest.approx((function(z + 1e-6) - function(z - 1e-6)) / 2e-6, abs=1e-6)
