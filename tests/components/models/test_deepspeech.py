"""The counts of DeepSpeech's variants, and that padding changes none of their logits."""

import keras
import numpy as np
import pytest

from dlkit.components.layers._clipped_cell import ClippedCell
from dlkit.components.layers.blank_padding import real_frames
from dlkit.components.models.deepspeech import deepspeech
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

LETTERS = TargetSpec((None,), tuple(" 'abcdefghijklmnopqrstuvwxyz"), others=1)
KINDS = ("lstm", "bidirectional", "bidirectional_lstm")


@pytest.mark.parametrize(
    ("features", "recurrent", "parameters"),
    [
        (494, "lstm", 47_224_861),
        (494, "bidirectional", 494 * 2048 + 25_235_485),
        (81 * 19, "bidirectional", 28_387_357),
        (161 * 19, "bidirectional", 31_500_317),
    ],
)
def test_the_counts_are_those_of_mozilla_and_of_the_paper(features, recurrent, parameters):
    with keras.StatelessScope():  # shapes alone, without the memory of the weights
        network = deepspeech(ArraySpec((None, features), "float32"), LETTERS, recurrent=recurrent)
    assert sum(np.prod(weight.shape) for weight in network.weights) == parameters


@pytest.mark.parametrize("recurrent", KINDS)
def test_padding_changes_no_logit_and_padded_frames_say_blank(recurrent):
    network = deepspeech(ArraySpec((None, 6), "float32"), LETTERS, units=8, recurrent=recurrent, dropout=0.3)
    sounds = np.random.default_rng(0).normal(size=(3, 7, 6)).astype("float32")
    lengths = (7, 2, 4)
    for row, length in enumerate(lengths):
        sounds[row, length:] = np.nan
    together = np.asarray(network(sounds, training=False))
    for row, length in enumerate(lengths):
        alone = np.asarray(network(sounds[row : row + 1, :length], training=False))[0]
        np.testing.assert_allclose(together[row, :length], alone, atol=1e-6)
        chances = np.asarray(keras.ops.softmax(together[row, length:]))
        np.testing.assert_array_equal(chances[:, -1], 1)
    assert np.asarray(real_frames(together)).sum(axis=1).tolist() == list(lengths)


def test_a_clipped_recurrence_is_the_formula_of_the_paper():
    layer = keras.layers.RNN(ClippedCell(3, clip=1.5), return_sequences=True)
    inputs = np.random.default_rng(1).normal(0, 2, (2, 5, 3)).astype("float32")
    found = np.asarray(layer(inputs))
    weights, state = np.asarray(layer.cell.recurrent_kernel), np.zeros((2, 3))
    for step in range(5):
        state = np.minimum(np.maximum(inputs[:, step] + state @ weights, 0), 1.5)
        np.testing.assert_allclose(found[:, step], state, rtol=1e-5, atol=1e-6)


def test_both_directions_share_their_input_weights_and_are_added():
    network = deepspeech(ArraySpec((None, 4), "float32"), LETTERS, units=5, recurrent="bidirectional")
    assert [tuple(weight.shape) for weight in network.get_layer("recurrent4").weights] == [(5, 5), (5, 5)]
    assert tuple(network.get_layer("recurrent4").output.shape) == (None, None, 5)


def test_a_network_survives_saving(tmp_path):
    network = deepspeech(ArraySpec((None, 4), "float32"), LETTERS, units=3, recurrent="bidirectional")
    network.save(tmp_path / "speech.keras")
    frames = np.random.default_rng(2).normal(size=(2, 6, 4)).astype("float32")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "speech.keras")(frames), network(frames))


def test_inputs_that_are_not_frames_are_refused():
    with pytest.raises(InputError, match="takes frames of features") as caught:
        deepspeech(ArraySpec((None,), "float32"), LETTERS)
    assert "STFTSpectrogram" in caught.value.problems[0].hint
