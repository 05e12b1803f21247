"""The learning-rate range test: measure the loss while the learning rate increases from step to step.

Source: Smith, "Cyclical learning rates for training neural networks" (2017), section 3.3.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.errors import CheckError
from dlkit.interfaces.reporter import Reporter
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe

MEMORY = 0.9
DIVERGED = 3.0
LEAST_STEPS = 10
KERNEL_DECADES = 0.25


@dataclass(frozen=True)
class RangeTest:
    """Learning rates, the loss of each step's batch, the smoothed loss, and the suggested rates.

    smoothed: means weighted by a Gaussian of the distance in log rate, which do not lag behind the losses as a running
    mean would; losses are clipped as far above the first ones as the lowest is below them.
    learning_rate: a tenth of the rate with the lowest smoothed loss, a good constant rate. peak: the rate at which the
    smoothed loss falls fastest, a good peak for a schedule that rises and falls. still_falling: the loss is lowest at
    the last rate, so better rates may lie above it.
    """

    learning_rates: list[float]
    losses: list[float]
    smoothed: list[float]
    learning_rate: float
    peak: float

    @property
    def still_falling(self) -> bool:
        """Return whether the smoothed loss is lowest at the last rate that was tried."""
        return int(np.argmin(self.smoothed)) == len(self.smoothed) - 1

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        return {
            "proposal": {"learning_rate": self.learning_rate, "peak": self.peak},
            "still_falling": self.still_falling,
            "learning_rates": self.learning_rates,
            "losses": self.losses,
            "smoothed": self.smoothed,
        }


def range_test(loaded: "LoadedRecipe", lowest: float, highest: float, steps: int) -> RangeTest:
    """Train up to `steps` steps, raising the rate by the same factor at each, and stop when the loss has diverged.

    The loss has diverged when its running mean exceeds its minimum by DIVERGED times the larger of two values: the drop
    from the first loss to the minimum, and the minimum's absolute value (losses such as CosineSimilarity are negative).

    The recipe's own schedule and callbacks are not used; of several phases, only the first is. Writes nothing.
    """
    training = _started(loaded, lowest)
    stream = training.steps.stream(0, steps)
    rates, losses = np.geomspace(lowest, highest, steps), []
    average, best = 0.0, np.inf
    for step, rate in enumerate(rates):
        training.steps.network.optimizer.learning_rate.assign(rate)
        loss = training.steps.take(stream, fresh=True)["loss"]
        if not np.isfinite(loss):
            break
        losses.append(loss)
        average = MEMORY * average + (1 - MEMORY) * loss
        recent = average / (1 - MEMORY ** (step + 1))
        best = min(best, recent)
        if recent - best > DIVERGED * max(losses[0] - best, abs(best)):
            break
    return _judged(rates[: len(losses)], np.array(losses))


def _started(loaded: "LoadedRecipe", rate: float) -> Training:
    """Return the training of the recipe's first phase at a constant learning rate, ready for its first step."""
    recipe = loaded.recipe
    phase = recipe.resolved_phases()[0]
    optimizer = replace(phase.optimizer, settings=phase.optimizer.settings | {"learning_rate": rate})
    plain: dict[str, Any] = {
        "optimizer": optimizer,
        "trainable": phase.trainable,
        "callbacks": [],
        "phases": [],
        "learning_rates": {},
    }
    data = recipe.data.model_copy(update={"augment": phase.augment})
    settings = recipe.training.model_copy(update=plain)
    loaded = replace(loaded, recipe=recipe.model_copy(update={"data": data, "training": settings}))
    training = Training(loaded.recipe, prepare(loaded), Reporter())
    training.start()
    return training


def _judged(rates: np.ndarray, losses: np.ndarray) -> RangeTest:
    if len(losses) < LEAST_STEPS:
        raise CheckError(
            f"the loss diverged or became non-finite after {len(losses)} steps", "start at a lower rate: --from 1e-8"
        )
    smoothed = _smoothed(np.log10(rates), losses)
    lowest = int(np.argmin(smoothed))
    if lowest < 2:
        raise CheckError(
            f"the loss never fell between the rates {rates[0]:.2g} and {rates[-1]:.2g}",
            "try a wider range, such as --from 1e-8 --to 10, or more --steps",
        )
    slopes = np.gradient(smoothed[: lowest + 1], np.log(rates[: lowest + 1]))
    learning_rate, peak = float(rates[lowest] / 10), float(rates[np.argmin(slopes)])
    return RangeTest(rates.tolist(), losses.tolist(), smoothed.tolist(), learning_rate, peak)


def _smoothed(decades: np.ndarray, losses: np.ndarray) -> np.ndarray:
    ceiling = 2 * losses[:LEAST_STEPS].mean() - losses.min()
    weights = np.exp(-0.5 * ((decades[:, None] - decades) / KERNEL_DECADES) ** 2)
    return np.average(np.broadcast_to(np.minimum(losses, ceiling), weights.shape), axis=1, weights=weights)
