"""The learning-rate range test: rates grow by one factor, the loss falls and then diverges, what is proposed works."""

import numpy as np
import pytest

from dlkit.errors import CheckError
from dlkit.learning_rate_range import DIVERGED, range_test
from dlkit.recipe import load_recipe
from dlkit.training_run import train_recipe

SGD = ["training.optimizer={SGD: {learning_rate: 0.1}}"]


@pytest.fixture(scope="module")
def result():
    return range_test(load_recipe("digits_mlp", SGD), 1e-4, 1e3, 120)


def test_rates_grow_by_one_factor_while_the_loss_has_not_diverged(result):
    rates, smoothed = np.array(result.learning_rates), np.array(result.smoothed)
    np.testing.assert_allclose(rates[1:] / rates[:-1], 1e7 ** (1 / 119), rtol=1e-6)
    assert np.all(smoothed[:-1] <= DIVERGED * np.minimum.accumulate(smoothed[:-1]))
    assert smoothed.min() < 0.9 * smoothed[:20].mean()


def test_the_smoothed_loss_is_a_weighted_mean_of_the_losses(result):
    weights = 0.9 ** np.arange(10)[::-1]
    assert result.smoothed[9] == pytest.approx(np.average(result.losses[:10], weights=weights))


def test_the_proposal_lies_before_the_lowest_loss_and_trains(result, tmp_path, reporter):
    lowest = result.learning_rates[int(np.argmin(result.smoothed))]
    assert result.learning_rates[0] < result.steepest <= lowest
    assert result.largest == pytest.approx(lowest / 10)
    overrides = [f"training.optimizer={{SGD: {{learning_rate: {result.largest}}}}}", "training.epochs=3"]
    train_recipe(load_recipe("digits_mlp", overrides), tmp_path, reporter)
    assert reporter.rows[-1]["val_accuracy"] > 0.8


def test_a_range_that_begins_too_high_is_an_error():
    with pytest.raises(CheckError, match=r"diverged|no number|never fell"):
        range_test(load_recipe("digits_mlp", SGD), 1e5, 1e9, 20)
