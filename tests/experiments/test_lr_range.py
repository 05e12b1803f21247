"""The learning-rate range test: rates grow by one factor, the loss falls and then diverges, what is proposed works."""

import numpy as np
import pytest

from dlkit.errors import CheckError
from dlkit.experiments.lr_range import _judged, _smoothed, _started, range_test
from dlkit.recipe import load_recipe
from dlkit.training.run import train_recipe

SGD = ["training.optimizer={SGD: {learning_rate: 0.1}}"]


@pytest.fixture(scope="module")
def result():
    return range_test(load_recipe("digits_mlp", SGD), 1e-4, 1e3, 120)


def test_rates_grow_by_one_factor_until_the_loss_has_diverged(result):
    rates, losses = np.array(result.learning_rates), np.array(result.losses)
    np.testing.assert_allclose(rates[1:] / rates[:-1], 1e7 ** (1 / 119), rtol=1e-6)
    assert len(losses) < 120
    assert losses[-5:].max() > 2 * losses[:20].mean()
    assert min(result.smoothed) < 0.9 * losses[:20].mean()


def test_the_smoothed_loss_neither_lags_nor_follows_a_single_batch():
    decades = np.linspace(-6, 0, 121)
    fall = 2 - np.tanh(4 * (decades + 3))  # falls fastest at 1e-3
    np.testing.assert_allclose(_smoothed(decades, np.full(121, 1.5)), 1.5)
    assert decades[np.argmin(np.gradient(_smoothed(decades, fall)))] == pytest.approx(-3, abs=0.02)
    noisy = fall + np.where(np.arange(121) == 90, 1e9, 0)  # one batch that explodes
    judged = _judged(10**decades, noisy)
    assert judged.peak == pytest.approx(1e-3, rel=0.05)
    assert np.all(np.isfinite(judged.smoothed))
    assert max(judged.smoothed) < 4


def test_the_proposals_lie_before_the_lowest_loss(result):
    lowest = result.learning_rates[int(np.argmin(result.smoothed))]
    assert result.learning_rate == pytest.approx(lowest / 10)
    assert result.learning_rate < result.peak < lowest


def test_training_goes_well_with_the_proposals(result, tmp_path, reporter):
    rates = {"constant": result.learning_rate, "cycle": f"{{OneCycle: {{max_learning_rate: {result.peak}}}}}"}
    accuracies = {}
    for name, rate in rates.items():
        overrides = [f"training.optimizer={{SGD: {{learning_rate: {rate}}}}}", "training.epochs=5"]
        train_recipe(load_recipe("digits_mlp", overrides), tmp_path / name, reporter)
        accuracies[name] = reporter.rows[-1]["val_accuracy"]
    assert accuracies["constant"] > 0.8
    assert accuracies["cycle"] > 0.9


def test_a_loss_that_is_lowest_at_the_last_rate_is_told(result):
    assert not result.still_falling
    rates = np.geomspace(1e-6, 1e-2, 50)
    assert _judged(rates, np.linspace(2, 1, 50)).still_falling
    assert not _judged(rates, np.abs(np.linspace(-1, 1, 50))).still_falling


def test_of_several_phases_it_is_the_first():
    phases = "[{optimizer: {SGD: {learning_rate: 1, momentum: 0.5}}, trainable: [dense_1]}, {optimizer: Adam}]"
    training = _started(load_recipe("digits_mlp", [f"training.phases={phases}"]), 0.25)
    optimizer, network = training.steps.network.optimizer, training.steps.network
    assert (optimizer.name, float(optimizer.learning_rate), optimizer.momentum) == ("sgd", 0.25, 0.5)
    assert {variable.path.split("/")[0] for variable in network.trainable_variables} == {"dense_1"}


def test_a_range_that_begins_too_high_is_an_error():
    with pytest.raises(CheckError, match=r"diverged|never fell"):
        range_test(load_recipe("digits_mlp", SGD), 1e5, 1e9, 20)


def test_a_loss_below_zero_is_tried_as_any_other():
    cosine = ["task={classification: {loss: CosineSimilarity}}", *SGD]
    result = range_test(load_recipe("digits_mlp", cosine), 1e-3, 1e2, 80)
    assert len(result.losses) > 40
    assert max(result.smoothed) < 0
    assert min(result.smoothed) < result.smoothed[0] - 0.05
    assert 0.01 < result.peak < 30
