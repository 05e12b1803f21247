"""The worst mistakes are the wrong predictions with the highest probability, over all batches."""

import numpy as np

from dlkit.components.tasks._worst_mistakes import WorstMistakes
from dlkit.figures.mistakes import LETTERS, SHOWN
from dlkit.interfaces.task import Examined


def batch(probabilities, targets, shape=(4, 4, 1)):
    inputs = np.broadcast_to(np.arange(len(targets)).reshape(-1, *[1] * len(shape)), (len(targets), *shape))
    return Examined(inputs.astype(np.uint8), inputs, np.asarray(targets), inputs, {"probabilities": probabilities})


def drawn(*batches):
    worst = WorstMistakes(("cat", "dog"))
    assert len(list(worst.watched(batches))) == len(batches)
    return worst.figures()


def test_mistakes_are_shown_surest_first_with_both_classes():
    first = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    second = np.array([[0.05, 0.95], [0.3, 0.7]])
    figure = drawn(batch(first, [0, 0, 0]), batch(second, [0, 1]))["mistakes"]()
    assert figure.get_suptitle() == "Wrong predictions: all 3 in 5 examples"
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == [
        "true: cat\npredicted: dog\np = 0.950, example 3",
        "true: cat\npredicted: dog\np = 0.800, example 1",
        "true: cat\npredicted: dog\np = 0.600, example 2",
    ]
    assert figure.axes[1].images[0].get_array().tolist() == np.full((4, 4), 1).tolist()


def test_of_many_mistakes_only_the_surest_are_kept():
    sure = np.linspace(0.51, 0.9, 50)
    batches = [batch(np.stack([1 - part, part], axis=1), [0] * len(part)) for part in np.array_split(sure, 7)]
    figure = drawn(*batches)["mistakes"]()
    assert figure.get_suptitle() == f"Wrong predictions: the {SHOWN} surest of 50 in 50 examples"
    numbers = [int(axes.get_title().rpartition(" ")[2]) for axes in figure.axes]
    assert numbers == list(range(49, 49 - SHOWN, -1))


def test_no_mistakes_are_said_and_rows_of_a_table_have_no_picture():
    assert drawn(batch(np.eye(2), [0, 1]))["mistakes"]().get_suptitle() == "Wrong predictions: none in 2 examples"
    assert drawn(batch(np.eye(2), [1, 0], shape=(7,))) == {}


def test_texts_are_kept_as_text_and_have_no_figure():
    texts = np.array(["caf\u00e9".encode(), b"no \xff", b"x" * 1000], object)
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    worst = WorstMistakes(("bad", "good"))
    list(worst.watched([Examined(texts, texts, np.array([1, 0, 0]), texts, {"probabilities": probabilities})]))
    found = worst.arrays()
    assert found["text"].tolist() == ["caf\u00e9", "no \ufffd", "x" * LETTERS + "..."]
    assert found["text"].dtype.kind == "U"
    assert found["predicted"].tolist() == ["bad", "good", "good"]
    assert worst.figures() == {}
