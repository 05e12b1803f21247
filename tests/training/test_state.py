"""The state of a training: which epoch counts as the best."""

from types import SimpleNamespace

import numpy as np
import pytest

from dlkit.training.state import TrainingState


def state(smaller_is_better):
    """A state whose network has one weight, the number of the epoch."""
    made = TrainingState(smaller_is_better)
    made.steps = SimpleNamespace(network=SimpleNamespace(variables=[np.array(0)]))
    return made


@pytest.mark.parametrize(
    ("smaller", "values", "best"),
    [
        (True, [0.5, 0.3, 0.4], 1),
        (False, [0.5, 0.3, 0.6, 0.4], 2),
        (True, [0.3, 0.3], 0),  # a tie does not replace the best
        (False, [0.3, 0.3], 0),
        (True, [np.nan, 0.5, np.nan], 1),  # any value is better than NaN
        (False, [np.nan, 0.5, np.nan], 1),
        (True, [np.inf, 0.5], 1),
    ],
)
def test_the_best_epoch(smaller, values, best):
    kept = state(smaller)
    for epoch, value in enumerate(values):
        kept.steps.network.variables[0] = np.array(epoch)
        kept.keep_best(value)
    assert kept.progress.best == values[best]
    assert kept.progress.best_weights == [best]
