"""The learning-rate range test: the loss while the learning rate grows from step to step.

Source: Smith, "Cyclical learning rates for training neural networks" (2017), section 3.3.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.errors import CheckError
from dlkit.training import Silent, Training
from dlkit.training_run import prepare

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe

SMOOTHING = 0.9
DIVERGED = 4.0
LEAST_STEPS = 10


@dataclass(frozen=True)
class RangeTest:
    """Learning rates, the loss of each step's batch, the loss smoothed, and what is proposed.

    steepest: where the smoothed loss falls fastest, a good constant rate; largest: a tenth of where it is lowest, a
    good peak for a schedule that rises and falls.
    """

    learning_rates: list[float]
    losses: list[float]
    smoothed: list[float]
    steepest: float
    largest: float

    def to_json(self) -> dict[str, Any]:
        """The documented JSON form."""
        return {
            "proposal": {"learning_rate": self.steepest, "peak": self.largest},
            "learning_rates": self.learning_rates,
            "losses": self.losses,
            "smoothed": self.smoothed,
        }


def range_test(loaded: "LoadedRecipe", lowest: float, highest: float, steps: int) -> RangeTest:
    """Train `steps` steps, each with a rate by the same factor higher, until the loss is DIVERGED times the lowest.

    The recipe's own schedule, callbacks and phases are left out; nothing is kept.
    """
    training = _started(loaded, lowest)
    stream = training.stream(0, steps)
    rates, losses, smoothed = np.geomspace(lowest, highest, steps), [], []
    average = 0.0
    for step, rate in enumerate(rates):
        training.network.optimizer.learning_rate.assign(rate)
        loss = training.one_step(stream, fresh=True)["loss"]
        if not np.isfinite(loss):
            break
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        losses.append(loss)
        smoothed.append(average / (1 - SMOOTHING ** (step + 1)))
        if smoothed[-1] > DIVERGED * min(smoothed):
            break
    return _judged(list(map(float, rates[: len(losses)])), losses, smoothed)


def _started(loaded: "LoadedRecipe", rate: float) -> Training:
    """The recipe's training with one plain learning rate, ready for its first step."""
    optimizer = loaded.recipe.training.optimizer
    optimizer = replace(optimizer, settings=optimizer.settings | {"learning_rate": rate})
    plain = {"optimizer": optimizer, "callbacks": [], "phases": [], "learning_rates": {}}
    settings = loaded.recipe.training.model_copy(update=plain)
    loaded = replace(loaded, recipe=loaded.recipe.model_copy(update={"training": settings}))
    training = Training(loaded.recipe, *prepare(loaded), Silent())
    training.start()
    return training


def _judged(rates: list[float], losses: list[float], smoothed: list[float]) -> RangeTest:
    if len(smoothed) < LEAST_STEPS:
        raise CheckError(
            f"the loss was no number or diverged after {len(smoothed)} steps", "begin with a lower rate: --from 1e-8"
        )
    lowest = int(np.argmin(smoothed))
    if lowest < 2:
        raise CheckError("the loss never fell", "begin with a lower rate: --from 1e-8, or take more --steps")
    slopes = np.gradient(smoothed[: lowest + 1], np.log(rates[: lowest + 1]))
    return RangeTest(rates, losses, smoothed, rates[int(np.argmin(slopes))], rates[lowest] / 10)
