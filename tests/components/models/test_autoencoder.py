"""Autoencoders: the lecture's counts, shared kernels that survive saving, penalties, and mistakes."""

import keras
import numpy as np
import pytest

from dlkit.analysis.table import count_parameters, explain, layer_rows
from dlkit.components.layers.tied_dense import TiedDense
from dlkit.components.models.autoencoder import autoencoder
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec

Conv2D, Conv2DTranspose, Dense = keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.Dense
ROW = ArraySpec((20,), "float32")


def build(encoder, decoder, spec=ROW, **settings):
    return autoencoder(spec, None, encoder=encoder, decoder=decoder, **settings)


def tied():
    encoder = [Dense(8, activation="relu"), Dense(3, activation="sigmoid")]
    return build(encoder, [TiedDense(activation="relu"), TiedDense(activation="sigmoid")], contraction="probe")


def kernels(network):
    encoder, decoder = network.get_layer("encoder"), network.get_layer("decoder")
    ours = [layer.kernel for layer in encoder.layers if layer.weights]
    theirs = [layer.tied_to.kernel for layer in decoder.layers if layer.weights]
    return ours, theirs


def assert_tied(network):
    ours, theirs = kernels(network)
    assert len(ours) == 2
    assert all(one is other for one, other in zip(ours, reversed(theirs), strict=True))


@pytest.mark.parametrize(("decoder", "total"), [(Dense, 50_992), (TiedDense, 25_904)])
def test_tied_weights_halve_the_matrices_and_keep_the_biases(decoder, total):
    last = Dense(784) if decoder is Dense else TiedDense()
    network = build([Dense(32)], [last], ArraySpec((784,), "float32"))
    assert count_parameters(network) == {"total": total, "trainable": total, "non_trainable": 0}
    assert [row.parameters for row in layer_rows(network)] == [25_120, total - 25_120]
    assert [str(row.parameters) for row in explain(network)] == [
        "784*32 + 32 = 25,120",
        "32*784 + 784 = 25,872" if decoder is Dense else "784 = 784",
    ]


def test_a_tied_layer_multiplies_by_the_transposed_kernel():
    network = tied()
    code = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    first, second = (np.asarray(kernel) for kernel in kernels(network)[0])
    hidden = np.maximum(code @ second.T, 0)
    expected = 1 / (1 + np.exp(-hidden @ first.T))
    np.testing.assert_allclose(network.get_layer("decoder")(code), expected, rtol=1e-5)


def test_kernels_tied_initially_start_as_the_transpose_and_learn_by_themselves(tmp_path):
    network = build([Dense(3)], [TiedDense(tied="initially")])
    assert [row.parameters for row in layer_rows(network)] == [63, 80]
    assert str(explain(network)[1].parameters) == "3*20 + 20 = 80"
    ours = network.get_layer("encoder").layers[-1].kernel
    theirs = network.get_layer("decoder").layers[-1].own_kernel
    np.testing.assert_array_equal(np.asarray(ours).T, theirs)
    network.compile("sgd", "mse")
    rows = np.random.default_rng(0).normal(size=(4, 20)).astype("float32")
    network.train_on_batch(rows, rows)
    assert np.abs(np.asarray(ours).T - np.asarray(theirs)).max() > 1e-4
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(rows), network(rows))


def test_kernels_stay_tied_after_a_step_saving_and_loading(tmp_path):
    network = tied()
    x = np.random.default_rng(0).random((16, 20)).astype("float32")
    assert_tied(network)
    network.compile("adam", loss={"output": "mse", "jacobian": None})
    before = np.array(kernels(network)[0][0])
    network.train_on_batch(x, {"output": x})
    assert np.abs(np.array(kernels(network)[1][1]) - before).max() > 1e-4
    network.save(tmp_path / "tied.keras")
    loaded = keras.models.load_model(tmp_path / "tied.keras")
    assert_tied(loaded)
    assert count_parameters(loaded)["total"] == count_parameters(network)["total"] == 20 * 8 + 8 + 8 * 3 + 3 + 8 + 20
    for name, values in network(x).items():
        np.testing.assert_array_equal(loaded(x)[name], values)
    loaded.train_on_batch(x, {"output": x})
    assert_tied(loaded)


def test_a_variational_code_is_drawn_in_training_and_the_mean_otherwise():
    network = build([Dense(8, activation="relu")], [Dense(20)], latent=2)
    x = np.random.default_rng(0).random((5, 20)).astype("float32")
    mean, log_variance = map(np.asarray, network.get_layer("encoder")(x))
    outputs = network(x)
    np.testing.assert_allclose(outputs["output"], network.get_layer("decoder")(mean), rtol=1e-5, atol=1e-6)
    by_hand = 0.5 * (np.square(mean) + np.exp(log_variance) - 1 - log_variance).sum(axis=1)
    np.testing.assert_allclose(outputs["kl"], by_hand, rtol=1e-4)
    first, second = (np.asarray(network(x, training=True)["output"]) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3


def test_draws_have_the_mean_and_the_variance_of_the_code():
    sampling = build([Dense(4)], [Dense(20)], latent=2).get_layer("sampling")
    mean = np.tile(np.float32([[1.0, -2.0]]), (50_000, 1))
    draws = np.asarray(sampling([mean, np.log(np.full_like(mean, 0.25))], training=True))
    np.testing.assert_allclose(draws.mean(axis=0), [1, -2], atol=0.01)
    np.testing.assert_allclose(draws.var(axis=0), [0.25, 0.25], atol=0.01)


def test_penalties_are_outputs_of_one_number_for_each_example():
    network = build([Dense(4, activation="sigmoid")], [Dense(20)], sparsity="kl", contraction="exact")
    assert {name: output.shape for name, output in network.output.items()} == {
        "output": (None, 20),
        "sparsity": (None,),
        "jacobian": (None,),
    }


def test_codes_may_be_pictures():
    pictures = ArraySpec((6, 6, 1), "float32")
    encoder = [Conv2D(3, 3, strides=2, padding="same", activation="sigmoid")]
    decoder = [Conv2DTranspose(1, 3, strides=2, padding="same")]
    network = build(encoder, decoder, pictures, sparsity="l1", contraction="probe")
    x = np.random.default_rng(0).random((5, 6, 6, 1)).astype("float32")
    outputs = network(x)
    code = np.asarray(network.get_layer("encoder")(x))
    np.testing.assert_allclose(outputs["sparsity"], np.abs(code).sum(axis=(1, 2, 3)), rtol=1e-5)
    assert outputs["jacobian"].shape == (5,)
    assert (np.asarray(outputs["jacobian"]) > 0).all()


@pytest.mark.parametrize(
    ("encoder", "decoder", "settings", "message"),
    [
        ([Dense(4)], [TiedDense(), TiedDense()], {}, "2 TiedDense layers, but the encoder only 1 Dense"),
        ([Dense(8), Dense(4)], [Dense(9), TiedDense()], {}, "its partner .* has 4 units"),
        ([Dense(4, activation="relu")], [Dense(20)], {"sparsity": "kl"}, "needs a code between 0 and 1"),
        ([Dense(8), Dense(4)], [Dense(20)], {"contraction": "exact"}, "needs an encoder of one Dense layer"),
        ([Dense(4)], [Dense(20)], {"contraction": "probe", "latent": 2}, "exclude each other"),
        ([], [Dense(20)], {"sparsity": "kl"}, "needs a code between 0 and 1"),
    ],
)
def test_what_does_not_fit_is_an_error(encoder, decoder, settings, message):
    with pytest.raises(InputError, match=message):
        build(encoder, decoder, **settings)


def test_a_tied_layer_needs_an_autoencoder():
    with pytest.raises(ValueError, match="it has no partner"):
        TiedDense()(np.zeros((1, 3), "float32"))
