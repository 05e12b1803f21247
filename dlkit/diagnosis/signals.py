"""Measure what a diagnosis needs: inputs as the network gets them, activity of units, scores, and simple baselines.

Only train and validation are read, at most TRAIN and HELD examples of them, evenly spaced.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from dlkit.data.splits import Splits
from dlkit.diagnosis.activity import Activity, activities
from dlkit.diagnosis.baselines import Linear, fit_linear
from dlkit.diagnosis.record import Record
from dlkit.evaluation.examine import Examiner
from dlkit.interfaces.data import Split
from dlkit.model.built import BuiltModel
from dlkit.recipe import LoadedRecipe
from dlkit.recipe.schema import Recipe

TRAIN, HELD, ACTIVE = 4000, 2000, 500


@dataclass(frozen=True)
class Part:
    """Examples of one split: their numbers, raw and prepared inputs, targets, and the network's outputs by name."""

    name: str
    numbers: np.ndarray
    inputs: np.ndarray
    seen: np.ndarray
    targets: np.ndarray
    expected: np.ndarray
    outputs: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Signals:
    """What is measured of a run. `trained` is false for an unfinished one, whose network is not looked at."""

    record: Record
    loaded: LoadedRecipe
    built: BuiltModel
    splits: Splits
    trained: bool
    moved: float | None = None

    @property
    def recipe(self) -> Recipe:
        """Return the run's recipe."""
        return self.loaded.recipe

    @cached_property
    def train(self) -> Part:
        """Return examples of train."""
        return self._part("train", self.splits.train, TRAIN)

    @cached_property
    def held(self) -> Part | None:
        """Return examples of validation, None without one."""
        return self._part("validation", self.splits.validation, HELD) if self.splits.validation else None

    @property
    def judged(self) -> Part:
        """Return the examples to judge by: validation, or train where nothing was held out."""
        return self.held or self.train

    @property
    def classifies(self) -> bool:
        """Return whether every example has one class."""
        targets = self.splits.train.targets
        return self.built.scores is not None and bool(self.built.class_names) and targets.ndim == 1

    @property
    def numeric(self) -> bool:
        """Return whether the network takes numbers, such as counts of words, rather than indices of an embedding."""
        first = next((layer for layer in self.built.network.layers if layer.count_params()), None)
        return not isinstance(first, keras.layers.Embedding) and self.train.seen.dtype.kind in "fiu"

    @cached_property
    def activities(self) -> list[Activity]:
        """Return the activity of the hidden layers over validation examples."""
        return activities(self.built.network, self.judged.seen[:ACTIVE])

    @cached_property
    def linear(self) -> Linear | None:
        """Return a linear model of the same inputs and targets, None where these are no classes or values."""
        fits = self.numeric and (self.classifies or self.built.task.has_units) and len(self.train.targets) > 1
        several = not self.classifies or len(np.unique(self.train.targets)) > 1
        return fit_linear(self.train.seen, self.train.targets, self.classifies) if fits and several else None

    def score(self, part: Part) -> float:
        """Return the network's accuracy, or for values its R2, the share of the variance that it explains."""
        if self.classifies:
            return float((self.answers(part) == part.targets).mean())
        return r2(part.expected, self.values(part))

    def answers(self, part: Part) -> np.ndarray:
        """Return the predicted classes (n,)."""
        return np.asarray(part.outputs[str(self.built.scores)].argmax(axis=-1))

    def values(self, part: Part) -> np.ndarray:
        """Return the first output, in the shape of what is expected."""
        return next(iter(part.outputs.values())).reshape(part.expected.shape)

    @property
    def has_score(self) -> bool:
        """Return whether outputs are classes, or values in the shape of what is expected."""
        first = next(iter(self.judged.outputs.values()))
        return self.classifies or first.size == self.judged.expected.size

    def linear_score(self, part: Part) -> float | None:
        """Return the score of the linear model, None where there is none."""
        if self.linear is None:
            return None
        found = self.linear.predict(part.seen)
        if self.classifies:
            return float((found == part.targets).mean())
        return r2(part.targets.reshape(len(found), -1), found.reshape(len(found), -1))

    def constant_score(self, part: Part) -> float:
        """Return the accuracy of always answering the most common class of a part; for values 0, that of their mean."""
        return float(np.bincount(part.targets).max() / len(part.targets)) if self.classifies else 0.0

    def noise(self, part: Part) -> float:
        """Return three standard errors of a score near that of a constant answer."""
        share = self.constant_score(part) if self.classifies else 0.5
        return 3 * float(np.sqrt(share * (1 - share) / len(part.targets)))

    @property
    def at_chance(self) -> bool:
        """Return whether the network is no better than a constant answer, beyond the noise."""
        return self.score(self.judged) <= self.constant_score(self.judged) + self.noise(self.judged)

    @property
    def linear_learns(self) -> bool:
        """Return whether the linear model is clearly better than a constant answer."""
        found = self.linear_score(self.judged)
        return found is not None and found > self.constant_score(self.judged) + 2 * self.noise(self.judged)

    def _part(self, name: str, split: Split, most: int) -> Part:
        numbers = np.unique(np.linspace(0, len(split) - 1, min(most, len(split))).astype(int))
        batches = list(Examiner(self.built, self.recipe, split.select(numbers)).batches())
        names = ("inputs", "seen", "targets", "expected")
        arrays: dict[str, Any] = {key: joined([getattr(batch, key) for batch in batches]) for key in names}
        outputs = {key: joined([batch.outputs[key] for batch in batches]) for key in batches[0].outputs}
        return Part(name, numbers, **arrays, outputs=outputs)


def joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return batches (n, ...) as one array; where their lengths differ, the shorter ones are padded with zeros."""
    longest = np.max([part.shape[1:] for part in parts], axis=0)
    padded = [
        np.pad(part, [(0, 0), *((0, int(room)) for room in longest - part.shape[1:])])
        if part.shape[1:] != tuple(longest)
        else part
        for part in parts
    ]
    return np.concatenate(padded)


def r2(truth: np.ndarray, values: np.ndarray) -> float:
    """Return the share of the variance of values (n, ...) that predictions explain; 0 for constant values."""
    truth, values = np.asarray(truth, np.float64), np.asarray(values, np.float64)
    scatter = float(((truth - truth.mean(axis=0)) ** 2).sum())
    return 1 - float(((truth - values) ** 2).sum()) / scatter if scatter else 0.0
