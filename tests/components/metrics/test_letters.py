"""Edit distances against a recursion written out, and the two rates over batches of different sizes."""

from functools import cache

import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.metrics._letters import edit_distance, greedy, moved_left
from dlkit.components.metrics._on_probabilities import best_class
from dlkit.components.metrics.exact_match import ExactMatch
from dlkit.components.metrics.label_error_rate import LabelErrorRate


@cache
def distance(one, other):
    """The Levenshtein distance by its definition."""
    if not one or not other:
        return len(one) + len(other)
    if one[0] == other[0]:
        return distance(one[1:], other[1:])
    return 1 + min(distance(one[1:], other), distance(one, other[1:]), distance(one[1:], other[1:]))


def rows(texts, longest):
    return np.array([list(text) + [-1] * (longest - len(text)) for text in texts], np.int32)


def test_distances_are_those_of_the_definition_also_with_gaps_and_empty_texts():
    generator = np.random.default_rng(0)
    truths = [tuple(generator.integers(0, 3, generator.integers(0, 6)).tolist()) for _ in range(60)]
    founds = [tuple(generator.integers(0, 3, generator.integers(0, 7)).tolist()) for _ in range(60)]
    spread = np.full((60, 12), -1, np.int32)
    for row, text in enumerate(founds):
        spread[row, np.sort(generator.choice(12, len(text), replace=False))] = text
    wanted = [distance(truth, found) for truth, found in zip(truths, founds, strict=True)]
    assert np.asarray(edit_distance(rows(truths, 6), spread)).tolist() == wanted
    assert [tuple(row[row >= 0]) for row in np.asarray(moved_left(spread))] == founds
    assert max(wanted) > 4


def test_greedy_letters_stand_where_they_are_read():
    path = [2, 0, 0, 2, 0, 1, 1, 2]  # 2 is blank
    assert np.asarray(greedy(np.eye(3, dtype="float32")[path][np.newaxis])).tolist() == [[-1, 0, -1, -1, 0, 1, -1, -1]]


@pytest.mark.parametrize("sizes", [(4,), (1, 3), (2, 2)])
def test_rates_do_not_depend_on_how_recordings_are_batched(sizes):
    truth = rows([(0, 1), (1,), (0, 0, 1), (1, 1)], 3)
    paths = np.array([[0, 1, 2, 2, 2], [1, 2, 0, 2, 2], [0, 2, 0, 1, 1], [1, 1, 1, 2, 2]])  # edits 0, 1, 0, 1
    logits = np.eye(3, dtype="float32")[paths]
    rate, match = LabelErrorRate(), ExactMatch()
    for part, scores in zip(
        np.split(truth, np.cumsum(sizes)[:-1]), np.split(logits, np.cumsum(sizes)[:-1]), strict=True
    ):
        rate.update_state(part, scores)
        match.update_state(part, scores)
    assert float(rate.result()) == pytest.approx(2 / 8)
    assert float(match.result()) == pytest.approx(0.5)


def test_weights_leave_recordings_out():
    truth, logits = rows([(0,), (1,)], 1), np.eye(3, dtype="float32")[[[0], [0]]]
    rate, match = LabelErrorRate(), ExactMatch()
    rate.update_state(truth, logits, np.array([1.0, 0.0]))
    match.update_state(truth, logits, np.array([0.0, 1.0]))
    assert (float(rate.result()), float(match.result())) == (0, 0)


def test_the_best_class_is_the_first_of_the_largest_scores():
    scores = np.random.default_rng(0).normal(size=(50, 7, 5)).round(1).astype("float32")
    assert (scores == scores.max(-1, keepdims=True)).sum() > 50 * 7, "without ties this proves little"
    assert np.array_equal(np.asarray(best_class(scores)), scores.argmax(-1))


@pytest.mark.parametrize("kind", [ExactMatch, LabelErrorRate])
@pytest.mark.parametrize("shape", [(None, None), (3, 5)])  # the scores of a batch may be known less than its letters
def test_a_graph_for_scores_of_any_shape_measures_the_same(kind, shape):
    metric, plain = kind(), kind()
    graph = tf.function(
        lambda truth, scores: metric.update_state(truth, scores),
        input_signature=[tf.TensorSpec(shape, tf.int32), tf.TensorSpec([None, None, 4])],
        autograph=False,
    )
    generator = np.random.default_rng(1)
    for frames in (6, 9, 3):
        truth = rows([generator.integers(0, 3, size).tolist() for size in (5, 2, 4)], 5)
        scores = generator.normal(size=(3, frames, 4)).astype(np.float32)
        graph(tf.constant(truth), tf.constant(scores))
        plain.update_state(truth, scores)
    assert float(metric.result()) == float(plain.result())
