"""The confusion matrix has true classes in its rows and predicted ones in its columns."""

import numpy as np

from dlkit.components.tasks.classification import Classification
from dlkit.figures.confusion_matrix import confusion_matrix_figure
from dlkit.interfaces.task import Examined


def cells(figure):
    """The counts that are written, by their place (x, y)."""
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    return {text.get_position(): text.get_text() for text in axes.texts}


def test_rows_are_true_and_columns_are_predicted():
    matrix = np.array([[3, 7], [0, 2]])
    assert cells(confusion_matrix_figure(matrix, ("cat", "dog"))) == {(0, 0): "3", (1, 0): "7", (1, 1): "2"}


def test_a_report_draws_what_was_predicted_of_what():
    """Seven cats are taken for dogs."""
    targets, predicted = np.array([0] * 10 + [1] * 2), np.array([0] * 3 + [1] * 9)
    batch = Examined(targets, targets, targets, targets, {"probabilities": np.eye(2)[predicted]})
    report = Classification().report([batch], ("cat", "dog"))
    assert cells(report.figures["confusion_matrix"]) == {(0, 0): "3", (1, 0): "7", (1, 1): "2"}
    assert report.table[0]["recall"] == 0.3
    assert report.table[0]["precision"] == 1.0
