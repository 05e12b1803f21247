"""Whether two models differ on the same examples: McNemar's exact test, and a paired bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

import numpy as np

RESAMPLES, LEVEL, ALPHA = 5000, 0.95, 0.05
_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Test:
    """The mean difference of two models per example, first minus second, with its p-value.

    interval: the middle LEVEL of the bootstrap's differences. only_first, only_second: the examples that only one of
    them gets right, for McNemar's test.
    """

    name: str
    difference: float
    p: float
    interval: tuple[float, float] | None = None
    only_first: int | None = None
    only_second: int | None = None


def mcnemar(first: np.ndarray, second: np.ndarray) -> Test:
    """Test whether two classifiers are right equally often, from what each gets right (n,), bool.

    Exact and two-sided: among the examples that only one of them gets right, either is equally likely to be that one
    (McNemar 1947).
    """
    first, second = first.astype(bool), second.astype(bool)
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    p = _two_sided(min(only_first, only_second), only_first + only_second)
    return Test("McNemar", float(first.mean() - second.mean()), p, None, only_first, only_second)


def _two_sided(fewer: int, trials: int) -> float:
    """Return the probability of a split of fair coin tosses that is at least as uneven."""
    tail = sum(comb(trials, count) for count in range(fewer + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 2**trials)))


def paired_bootstrap(first: np.ndarray, second: np.ndarray, seed: int = 0) -> Test:
    """Test whether two models have the same mean error, from their errors on the same examples (n,).

    Draws examples with replacement RESAMPLES times (Efron and Tibshirani 1993, chapter 13); the p-value is twice the
    share of draws in which the sign of the difference turns, at least 2 / (RESAMPLES + 1).
    """
    differences = np.asarray(first, float) - np.asarray(second, float)
    draws = np.random.default_rng(seed)
    count = len(differences)
    rows = max(1, _AT_ONCE // count)
    sizes = [min(rows, RESAMPLES - start) for start in range(0, RESAMPLES, rows)]
    means = np.concatenate([differences[draws.integers(0, count, (size, count))].mean(axis=1) for size in sizes])
    turned = min(int((means <= 0).sum()), int((means >= 0).sum()))
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    p = min(1.0, 2 * (turned + 1) / (RESAMPLES + 1))
    return Test("paired bootstrap", float(differences.mean()), p, (float(low), float(high)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number (Holm 1979), in the same order."""
    order = np.argsort(p_values, kind="stable")
    found, highest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        found[int(index)] = highest
    return found
