"""CTC against a sum over all alignments, written out in float64; padding of frames and letters counts for nothing."""

from collections import defaultdict
from itertools import groupby, product

import numpy as np
import pytest
from keras import ops

from dlkit.components.layers.blank_padding import BlankPadding
from dlkit.components.losses._ctc import TranscriptCTC
from dlkit.components.tasks.transcription import Transcription, text_of

NAMES = ("a", "b", "c")


def scores(frames, seed, scale=2.0):
    return np.random.default_rng(seed).normal(0, scale, (frames, len(NAMES) + 1))


def probabilities(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def texts(logits):
    """The probability of every text, float64: of all alignments, repeats first joined, blanks then left out."""
    found = defaultdict(float)
    chances = probabilities(logits)
    blank = len(NAMES)
    for path in product(range(blank + 1), repeat=len(logits)):
        text = tuple(letter for letter, _ in groupby(path) if letter != blank)
        found[text] += float(np.prod(chances[np.arange(len(path)), path]))
    assert sum(found.values()) == pytest.approx(1)
    return found


def padded(sequences, fill):
    longest = max(map(len, sequences))
    return np.stack([np.concatenate([s, np.full((longest - len(s), *s.shape[1:]), fill)]) for s in sequences])


@pytest.mark.parametrize("text", [(0,), (0, 1), (0, 0), (1, 1, 0), (2, 1, 2)])
def test_the_loss_is_minus_the_logarithm_of_the_sum_over_all_alignments(text):
    logits = scores(5, seed=len(text))
    loss = TranscriptCTC().call(np.array([text]), logits[np.newaxis].astype("float32"))
    np.testing.assert_allclose(loss, [-np.log(texts(logits)[text])], rtol=1e-5)


def test_padding_of_frames_and_of_letters_changes_no_loss():
    lengths, labels = (5, 3, 4, 2), [(0, 1), (2,), (1, 1), (0, 2)]
    recordings = [scores(length, seed) for seed, length in enumerate(lengths)]
    logits = padded(recordings, 123.0).astype("float32")
    mask = np.arange(5) < np.array(lengths)[:, np.newaxis]
    marked = BlankPadding()(logits, mask=mask)
    letters = padded([np.array(label) for label in labels], -1)
    wanted = [-np.log(texts(one)[label]) for one, label in zip(recordings, labels, strict=True)]
    np.testing.assert_allclose(TranscriptCTC().call(letters, marked), wanted, rtol=1e-5)
    # Blanks that are certain add nothing either: the loss over all frames, padded ones too, is the same.
    full = ops.ctc_loss(np.maximum(letters, 0), marked, [2, 1, 2, 2], [5, 5, 5, 5], mask_index=3)
    np.testing.assert_allclose(full, wanted, rtol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_the_most_probable_text_and_its_probability(seed):
    logits = scores(5, seed, scale=1.0)
    found = texts(logits)
    best = max(found, key=found.get)
    outputs = Transcription(beam_width=1000).outputs(ops.convert_to_tensor(logits[np.newaxis].astype("float32")))
    assert text_of(outputs["letters"][0], NAMES) == "".join(NAMES[letter] for letter in best)
    np.testing.assert_allclose(outputs["confidence"][0], found[best], rtol=1e-5)


def test_the_greedy_text_is_that_of_the_best_alignment_although_others_may_be_more_probable():
    differs = 0
    for seed in range(10):
        logits = scores(5, seed, scale=1.0)
        found, best = texts(logits), logits.argmax(axis=-1)
        text = tuple(letter for letter, _ in groupby(best.tolist()) if letter != 3)
        outputs = Transcription().outputs(ops.convert_to_tensor(logits[np.newaxis].astype("float32")))
        assert text_of(outputs["letters"][0], NAMES) == "".join(NAMES[letter] for letter in text)
        np.testing.assert_allclose(outputs["confidence"][0], probabilities(logits).max(axis=-1).prod(), rtol=1e-5)
        differs += text != max(found, key=found.get)
    assert differs > 0


@pytest.mark.parametrize("beam_width", [1, 50])
def test_padded_frames_change_neither_text_nor_probabilities_nor_confidence(beam_width):
    recordings = [scores(length, seed, 1.0) for seed, length in enumerate((5, 3, 4))]
    mask = np.arange(5) < np.array([[5], [3], [4]])
    task = Transcription(beam_width=beam_width)
    together = task.outputs(BlankPadding()(padded(recordings, 7.0).astype("float32"), mask=mask))
    for row, one in enumerate(recordings):
        alone = task.outputs(ops.convert_to_tensor(one[np.newaxis].astype("float32")))
        assert text_of(together["letters"][row], NAMES) == text_of(alone["letters"][0], NAMES)
        np.testing.assert_allclose(together["confidence"][row], alone["confidence"][0], rtol=1e-5)
        beside = np.asarray(together["log_probabilities"])[row, : len(one)]
        np.testing.assert_allclose(beside, alone["log_probabilities"][0], atol=1e-6)
