"""Padding never changes an answer: a sequence alone, in a batch, and with more padding gives the same output."""

import keras
import numpy as np
import pytest

from dlkit.components.models.sequential import sequential
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.ragged import Ragged
from dlkit.interfaces.task import TargetSpec

L = keras.layers
LENGTHS = (1, 6, 3)
STACKS = {
    "rnn": [lambda: L.SimpleRNN(3)],
    "lstm": [lambda: L.LSTM(3)],
    "gru": [lambda: L.GRU(3)],
    "bidirectional": [lambda: L.Bidirectional(L.LSTM(3))],
    "stacked": [
        lambda: L.Bidirectional(L.GRU(3, return_sequences=True)),
        lambda: L.Dropout(0.5),
        lambda: L.LSTM(2, return_sequences=True),
        lambda: L.Dense(4, activation="relu"),
        lambda: L.SimpleRNN(3, go_backwards=True),
    ],
    "conv_same": [lambda: L.Conv1D(3, 5, padding="same"), lambda: L.LSTM(3)],
    "conv_valid": [lambda: L.Conv1D(3, 4, activation="relu"), lambda: L.GlobalMaxPooling1D()],
    "conv_causal_strided": [lambda: L.Conv1D(3, 4, padding="causal", strides=2), lambda: L.GRU(3)],
    "conv_dilated": [lambda: L.Conv1D(3, 3, dilation_rate=2, padding="same"), lambda: L.GlobalMaxPooling1D()],
    "conv_valid_strided": [lambda: L.Conv1D(3, 3, strides=2), lambda: L.Bidirectional(L.LSTM(2))],
    "two_convs": [
        lambda: L.Conv1D(4, 3, padding="same", activation="relu"),
        lambda: L.BatchNormalization(),
        lambda: L.SeparableConv1D(3, 3, padding="same"),
        lambda: L.GlobalAveragePooling1D(),
    ],
    "max_pool": [lambda: L.MaxPooling1D(2), lambda: L.LSTM(3)],
    "max_pool_same": [lambda: L.MaxPooling1D(2, padding="same"), lambda: L.LSTM(3)],
    "max_pool_overlapping": [lambda: L.MaxPooling1D(3, strides=1, padding="same"), lambda: L.GlobalMaxPooling1D()],
    "average_pool": [lambda: L.AveragePooling1D(3, strides=2), lambda: L.GlobalAveragePooling1D()],
    "average_pool_same": [lambda: L.AveragePooling1D(3, strides=1, padding="same"), lambda: L.LSTM(3)],
    "normalized": [lambda: L.LayerNormalization(), lambda: L.TimeDistributed(L.Dense(3)), lambda: L.LSTM(2)],
    "kept": [lambda: L.GlobalAveragePooling1D(keepdims=True), lambda: L.Flatten()],
    "kept_max": [lambda: L.GlobalMaxPooling1D(keepdims=True), lambda: L.Flatten()],
    "reshaped": [
        lambda: L.Reshape((-1, 2, 2)),
        lambda: L.Conv2D(3, (3, 2), padding="same"),
        lambda: L.BatchNormalization(),
        lambda: L.MaxPooling2D((2, 1)),
        lambda: L.Reshape((-1, 6)),
        lambda: L.GRU(3),
    ],
}


@pytest.fixture(autouse=True)
def seeded():
    """Layers draw the seeds of their weights when they are made, or when they are built."""
    keras.utils.set_random_seed(0)


def network_of(layers, shape=(None, 4), dtype="float32"):
    return sequential(ArraySpec(shape, dtype), TargetSpec((2,)), layers=[*layers, L.Dense(2)])


def check_answers(network, sequences, more=2):
    """Compare each sequence alone with its batch, and with that batch padded further."""
    together = Ragged.of(sequences)
    wider = Ragged.of([*sequences, np.ones((together.longest + more, *sequences[0].shape[1:]), together.dtype)])
    padded = np.asarray(network(together[:]))
    for row, sequence in enumerate(sequences):
        alone = np.asarray(network(sequence[np.newaxis]))[0]
        np.testing.assert_allclose(padded[row], alone, atol=1e-6, rtol=0)
    np.testing.assert_allclose(np.asarray(network(wider[:]))[:-1], padded, atol=1e-6, rtol=0)
    return padded


@pytest.mark.parametrize("name", STACKS)
def test_padding_never_changes_an_answer(name):
    generator = np.random.default_rng(1)
    network = network_of([make() for make in STACKS[name]])
    for layer in network.layers:
        if isinstance(layer, L.BatchNormalization):
            layer.moving_mean.assign(generator.normal(size=layer.moving_mean.shape))
    sequences = [generator.normal(size=(length, 4)).astype("float32") for length in LENGTHS]
    answers = check_answers(network, sequences)
    assert np.isfinite(answers).all()
    assert len(np.unique(answers.round(6), axis=0)) == len(LENGTHS)


@pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
@pytest.mark.parametrize("name", ["lstm", "bidirectional", "stacked"])
def test_masks_do_not_depend_on_kerass_own_propagation(name, monkeypatch):
    """Keras 3.16 sets RNN.supports_masking to False."""
    created = keras.layers.RNN.__init__

    def without(self, *arguments, **settings):
        created(self, *arguments, **settings)
        self.supports_masking = False

    monkeypatch.setattr(keras.layers.RNN, "__init__", without)
    generator = np.random.default_rng(1)
    sequences = [generator.normal(size=(length, 4)).astype("float32") for length in LENGTHS]
    check_answers(network_of([make() for make in STACKS[name]]), sequences)


@pytest.mark.parametrize("mask_zero", [True, False])
def test_words_of_index_zero_are_padding(mask_zero):
    layers = [L.Embedding(9, 4, mask_zero=mask_zero), L.Conv1D(3, 3, padding="same"), L.LSTM(3)]
    generator = np.random.default_rng(2)
    sequences = [generator.integers(1, 9, length) for length in LENGTHS]
    check_answers(network_of(layers, (None,), "int64"), sequences)


def test_an_embedding_starts_the_mask_of_sequences_of_one_size():
    network = network_of([L.Embedding(9, 4, mask_zero=True), L.LSTM(3)], (6,), "int64")
    short, long = np.array([[3, 4, 0, 0, 0, 0]]), np.array([[3, 4, 0, 0]])
    keras.utils.set_random_seed(0)  # the same weights as before
    found = network_of([L.Embedding(9, 4, mask_zero=True), L.LSTM(3)], (4,), "int64")
    np.testing.assert_allclose(network(short), found(long), atol=1e-6)


@pytest.mark.parametrize("name", ["lstm", "conv_valid", "two_convs", "max_pool", "average_pool"])
def test_a_sequence_without_steps_has_finite_answers(name):
    network = network_of([make() for make in STACKS[name]])
    assert np.isfinite(network(np.full((2, 3, 4), np.nan, "float32"))).all()


def test_padded_steps_of_an_output_are_zero():
    keras.utils.set_random_seed(0)
    layers = [L.LSTM(3, return_sequences=True), L.Dense(2, bias_initializer="ones")]
    network = sequential(ArraySpec((None, 4), "float32"), TargetSpec((2,)), layers=layers)
    outputs = np.asarray(network(Ragged.of([np.ones((2, 4), "float32"), np.ones((5, 4), "float32")])[:]))
    assert (outputs[0, 2:] == 0).all()
    assert (outputs[0, :2] != 0).all()
    assert (outputs[1] != 0).all()


def test_batch_normalization_takes_no_statistics_from_padding():
    network = network_of([L.BatchNormalization(), L.GlobalAveragePooling1D()])
    sequences = Ragged.of([np.full((1, 4), 2, "float32"), np.full((3, 4), 4, "float32")])
    network(sequences[:], training=True)
    np.testing.assert_allclose(network.layers[1].moving_mean, 0.01 * (2 + 3 * 4) / 4 * np.ones(4), rtol=1e-5)


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ([L.Flatten()], "Flatten may read padded steps"),
        ([L.Conv1D(3, 3, strides=2, padding="same")], "Conv1D with padding: same and strides"),
        ([L.MaxPooling1D(3, padding="same")], "MaxPooling1D with padding: same and strides"),
        ([L.LSTM(3, return_sequences=True, go_backwards=True)], "LSTM with go_backwards"),
        ([L.GroupNormalization(2)], "GroupNormalization reads all steps at once"),
        ([L.LayerNormalization(axis=1)], "LayerNormalization normalizes over the steps"),
        ([L.Permute((2, 1))], "Permute may read padded steps"),
        ([L.Reshape((-1, 2))], "Reshape changes the number of steps"),
        ([L.ZeroPadding1D(1)], "ZeroPadding1D may read padded steps"),
    ],
)
def test_layers_that_would_read_padding_are_refused(layers, says):
    with pytest.raises(InputError, match=f"{says}.*so that padding would change its answers"):
        network_of(layers)
