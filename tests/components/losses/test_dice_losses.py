"""Soft Dice as the lecture writes it, and its sum with cross-entropy."""

import keras
import numpy as np
import pytest

from dlkit.components.losses.cross_entropy_dice import CrossEntropyDice
from dlkit.components.losses.soft_dice import SoftDice

TRUTH = np.array([1.0, 0.0, 1.0, 1.0], np.float32).reshape(1, 2, 2, 1)
PREDICTED = np.array([0.9, 0.2, 0.6, 0.4], np.float32).reshape(1, 2, 2, 1)
CROSS_ENTROPY = 0.4389051057


def test_soft_dice_has_squares_in_its_denominator():
    assert float(SoftDice()(TRUTH, PREDICTED)) == pytest.approx(0.1304347826, abs=1e-6)
    assert float(keras.losses.Dice()(TRUTH, PREDICTED)) == pytest.approx(0.2549020, abs=1e-6)


def test_soft_dice_is_the_mean_over_classes_plain_or_weighted():
    truth, predicted = (np.concatenate([1 - a, a], axis=-1) for a in (TRUTH, PREDICTED))
    first = 1 - 2 * 0.8 / (1 + 0.1**2 + 0.8**2 + 0.4**2 + 0.6**2)
    assert float(SoftDice()(truth, predicted)) == pytest.approx((first + 0.1304347826) / 2, abs=1e-6)
    weighted = float(SoftDice(class_weights=[1, 3])(truth, predicted))
    assert weighted == pytest.approx((first + 3 * 0.1304347826) / 4, abs=1e-6)


@pytest.mark.parametrize("loss", [SoftDice(), CrossEntropyDice(), keras.losses.BinaryCrossentropy()])
def test_pixels_without_weight_change_nothing(loss):
    """With weights whose mean is 1, as the task gives them, a loss is that of the other pixels alone."""
    weights = np.array([[[4 / 3, 4 / 3], [4 / 3, 0]]], np.float32)
    kept = (array.reshape(1, 4, 1, 1)[:, :3] for array in (TRUTH, PREDICTED))
    assert float(loss(TRUTH, PREDICTED, weights)) == pytest.approx(float(loss(*kept)), abs=1e-6)


def test_the_sum_of_cross_entropy_and_dice():
    assert float(CrossEntropyDice()(TRUTH, PREDICTED)) == pytest.approx(CROSS_ENTROPY + 0.1304347826, abs=1e-6)
    loss = CrossEntropyDice(cross_entropy_weight=0.5, dice_weight=2)
    assert float(loss(TRUTH, PREDICTED)) == pytest.approx(CROSS_ENTROPY / 2 + 2 * 0.1304347826, abs=1e-6)
    rows = np.eye(3, dtype=np.float32)[None, None]
    assert float(CrossEntropyDice()(rows, rows)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("loss", [SoftDice(class_weights=[1.0, 2.0]), CrossEntropyDice(dice_weight=0.5)])
def test_losses_are_saved_with_their_settings(loss):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()


@pytest.mark.parametrize("name", ["SoftDice", "CrossEntropyDice"])
def test_losses_are_made_from_a_recipe(name):
    from dlkit.catalog.create import create_at
    from dlkit.recipe import load_recipe

    recipe = load_recipe("unet", [f"task.segmentation.loss={{{name}: {{class_weights: [1, 2]}}}}"]).recipe
    assert create_at(recipe.task).loss.class_weights == [1, 2]
