"""p-values against SciPy's, on drawn answers."""

import numpy as np
import pytest
from scipy import stats

from dlkit.experiments.significance import holm, mcnemar, paired_bootstrap


@pytest.mark.parametrize(("examples", "first", "second"), [(50, 0.9, 0.9), (360, 0.97, 0.93), (2000, 0.6, 0.62)])
def test_mcnemar_is_scipys_binomial_test_of_the_discordant_pairs(examples, first, second):
    draws = np.random.default_rng(examples)
    left, right = draws.random(examples) < first, draws.random(examples) < second
    found = mcnemar(left, right)
    only_left, only_right = int((left & ~right).sum()), int((~left & right).sum())
    assert (found.only_first, found.only_second) == (only_left, only_right)
    assert found.p == pytest.approx(stats.binomtest(only_left, only_left + only_right, 0.5).pvalue, rel=1e-12)
    assert found.difference == pytest.approx(left.mean() - right.mean())


def test_mcnemar_of_equal_answers_says_nothing():
    assert mcnemar(np.ones(5, bool), np.ones(5, bool)).p == 1


@pytest.mark.parametrize("shift", [0.0, 0.03, 0.1])
def test_the_bootstrap_has_scipys_interval_and_the_p_value_of_a_permutation_test(shift):
    draws = np.random.default_rng(1)
    first = draws.gamma(2, 0.2, 300)
    second = first + shift + draws.normal(0, 0.2, 300)
    found = paired_bootstrap(first, second)
    differences = (first - second,)
    options = {"n_resamples": 5000, "rng": np.random.default_rng(2)}
    theirs = stats.bootstrap(differences, np.mean, method="percentile", **options).confidence_interval
    assert found.interval == pytest.approx((theirs.low, theirs.high), abs=0.002)
    permuted = stats.permutation_test(differences, np.mean, permutation_type="samples", **options)
    assert found.p == pytest.approx(permuted.pvalue, abs=0.03)
    assert found.difference == pytest.approx(np.mean(first - second))


def test_holms_correction_by_hand():
    # 0.01 * 3, then max(0.03, 0.02 * 2), then max(0.04, 0.04 * 1)
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
