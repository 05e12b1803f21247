"""Cut a long series into parts along time, and every part into windows with the values that follow them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dlkit.errors import InputError
from dlkit.interfaces.data import Split


@dataclass(frozen=True)
class Windows:
    """How a series is cut: `window` steps are the input, the `horizon` steps after them the target.

    stride: the steps from the start of one window to that of the next.
    """

    window: int
    horizon: int
    stride: int

    def cut(self, series: np.ndarray, target: int) -> Split:
        """Return inputs (n, window, features) and targets (n, horizon) of a series (steps, features)."""
        starts = np.arange(0, len(series) - self.window - self.horizon + 1, self.stride)
        inputs = series[starts[:, None] + np.arange(self.window)]
        targets = series[starts[:, None] + self.window + np.arange(self.horizon), target]
        return Split(inputs, targets)

    def cut_parts(self, series: np.ndarray, parts: Mapping[str, slice], target: int) -> dict[str, Split]:
        """Return the windows of every part; none crosses from one part into another.

        Raises InputError for a part that is too short for one window.
        """
        needed = self.window + self.horizon
        for name, part in parts.items():
            steps = len(series[part])
            if steps < needed:
                raise InputError(
                    f"{name} has {steps} of the {len(series)} steps, but a window of {self.window} and a horizon of "
                    f"{self.horizon} need {needed}",
                    "give a longer series or a larger fraction, or make the window shorter",
                )
        return {name: self.cut(series[part], target) for name, part in parts.items()}


def parts_along_time(steps: int, validation_fraction: float, test_fraction: float) -> dict[str, slice]:
    """Return the parts of a series in the order of time: train first, then validation, then test.

    A fraction of 0 gives no such part. Raises InputError if nothing is left for train.
    """
    if validation_fraction + test_fraction >= 1:
        raise InputError(
            f"validation_fraction {validation_fraction:g} and test_fraction {test_fraction:g} leave nothing for train",
            "give fractions whose sum is below 1",
        )
    test = steps - round(steps * test_fraction)
    train = test - round(steps * validation_fraction)
    parts = {"train": slice(0, train), "validation": slice(train, test), "test": slice(test, steps)}
    return {name: part for name, part in parts.items() if name == "train" or part.stop > part.start}
