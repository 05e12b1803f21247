"""Pixel accuracy, Dice with a threshold and IoU: the lecture's numbers, Keras' own, and void pixels."""

import keras
import numpy as np
import pytest

from dlkit.components.metrics.dice_coefficient import DiceCoefficient
from dlkit.components.metrics.jaccard_index import JaccardIndex
from dlkit.components.metrics.pixel_accuracy import PixelAccuracy

TRUTH = np.array([1.0, 0.0, 1.0, 1.0], np.float32).reshape(1, 2, 2, 1)
PREDICTED = np.array([0.9, 0.2, 0.6, 0.4], np.float32).reshape(1, 2, 2, 1)


def measured(metric, *batches):
    for batch in batches:
        metric.update_state(*batch)
    return float(metric.result())


def test_the_lectures_numbers():
    batch = (TRUTH, PREDICTED)
    assert measured(DiceCoefficient(class_id=1, threshold=0.5), batch) == pytest.approx(0.8)
    assert measured(JaccardIndex(class_id=1, threshold=0.5), batch) == pytest.approx(2 / 3)
    assert measured(PixelAccuracy(threshold=0.5), batch) == pytest.approx(0.75)
    assert measured(DiceCoefficient(class_id=1, threshold=0.3), batch) == pytest.approx(1)
    assert measured(DiceCoefficient(class_id=1, threshold=0.7), batch) == pytest.approx(0.5)


def test_dice_is_twice_iou_over_one_plus_iou():
    dice, iou = (measured(kind(class_id=1), (TRUTH, PREDICTED)) for kind in (DiceCoefficient, JaccardIndex))
    assert dice == pytest.approx(2 * iou / (1 + iou))


@pytest.fixture(scope="module")
def batches():
    """Real digits as three grey levels, the prediction being the picture shifted by a pixel, in two batches."""
    from dlkit.components.datasets.digits import Digits

    levels = np.clip(Digits().load("train", None).inputs[:20, ..., 0] // 86, 0, 2)
    truth, predicted = (np.eye(3, dtype=np.float32)[array] for array in (levels, np.roll(levels, 1, axis=2)))
    return [(truth[:12], predicted[:12]), (truth[12:], predicted[12:])]


def test_iou_and_accuracy_are_those_of_keras(batches):
    assert measured(JaccardIndex(classes=3), *batches) == pytest.approx(
        measured(keras.metrics.OneHotMeanIoU(3), *batches), abs=1e-6
    )
    one = measured(JaccardIndex(classes=3, class_id=2), *batches)
    assert one == pytest.approx(measured(keras.metrics.OneHotIoU(3, [2]), *batches), abs=1e-6)
    accuracy = measured(PixelAccuracy(classes=3), *batches)
    assert accuracy == pytest.approx(measured(keras.metrics.CategoricalAccuracy(), *batches), abs=1e-6)


def test_only_whether_a_pixel_has_a_weight_counts(batches):
    (truth, predicted), _ = batches
    weights = np.zeros(truth.shape[:3], np.float32)
    weights[:, :4] = np.linspace(0.1, 5, 8)
    for kind in (PixelAccuracy, DiceCoefficient, JaccardIndex):
        kept = measured(kind(classes=3), (truth[:, :4], predicted[:, :4]))
        assert measured(kind(classes=3), (truth, predicted, weights)) == pytest.approx(kept, abs=1e-6)


def test_a_class_that_is_neither_there_nor_predicted_is_left_out():
    rows = np.eye(4, dtype=np.float32)[[0, 1, 1]][None]
    assert measured(DiceCoefficient(classes=4), (rows, rows)) == 1
    assert measured(JaccardIndex(classes=4), (rows, rows)) == 1


@pytest.mark.parametrize("kind", [PixelAccuracy, DiceCoefficient, JaccardIndex])
def test_metrics_are_saved_with_their_settings(kind):
    metric = kind(classes=3, threshold=0.4)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert again.get_config() == metric.get_config()
