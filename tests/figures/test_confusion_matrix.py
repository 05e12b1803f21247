"""The confusion matrix has true classes in its rows and predicted ones in its columns."""

import numpy as np
import pytest

from dlkit.components.tasks.classification import Classification
from dlkit.figures.confusion_matrix import confusion_matrix_figure
from dlkit.interfaces.task import Examined


def cells(figure):
    """The counts that are written, by their place (x, y)."""
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    return {text.get_position(): text.get_text() for text in axes.texts}


def test_rows_are_true_and_columns_are_predicted():
    matrix = np.array([[3, 7], [0, 2]])
    assert cells(confusion_matrix_figure(matrix, ("cat", "dog"))) == {(0, 0): "3", (1, 0): "7", (1, 1): "2"}


def test_a_report_draws_what_was_predicted_of_what():
    """Seven cats are taken for dogs."""
    targets, predicted = np.array([0] * 10 + [1] * 2), np.array([0] * 3 + [1] * 9)
    batch = Examined(targets, targets, targets, targets, {"probabilities": np.eye(2)[predicted]})
    report = Classification().report([batch], ("cat", "dog"))
    assert cells(report.figures["confusion_matrix"]()) == {(0, 0): "3", (1, 0): "7", (1, 1): "2"}
    assert report.table[0]["recall"] == 0.3
    assert report.table[0]["precision"] == 1.0


@pytest.mark.parametrize("classes", [2, 10, 30])
def test_counts_are_written_up_to_thirty_classes(classes):
    matrix = np.arange(classes**2).reshape(classes, classes)
    figure = confusion_matrix_figure(matrix, tuple(f"class {index}" for index in range(classes)))
    written = cells(figure)
    assert len(written) == classes**2 - 1  # zeros are left out
    assert written[1, 0] == "1"
    assert min(text.get_fontsize() for text in figure.axes[0].texts) >= 12
    assert len(figure.axes[0].get_xticks()) == classes
    right = int(np.trace(matrix))
    expected = f"{right:,} of {matrix.sum():,} right ({100 * right / matrix.sum():.1f} %)"
    assert figure.get_suptitle() == f"Confusion matrix: {expected}"


def test_more_classes_than_fit_are_said_to():
    figure = confusion_matrix_figure(np.eye(100, dtype=int), tuple(f"class {index}" for index in range(100)))
    assert cells(figure) == {}
    assert (
        figure.axes[0].get_title() == "100 classes are too many for counts; darker is a larger share of the true class"
    )
    assert len(figure.axes[0].get_xticks()) == 25


def test_counts_that_do_not_fit_are_in_thousands():
    written = cells(confusion_matrix_figure(np.full((30, 30), 12_345), tuple(map(str, range(30)))))
    assert set(written.values()) == {"12k"}
