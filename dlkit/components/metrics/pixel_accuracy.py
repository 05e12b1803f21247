"""The fraction of correctly classified pixels (deck 003)."""

from typing import Any

import keras
from keras import ops

from dlkit.components.metrics._class_counts import ClassCounts


@keras.saving.register_keras_serializable(package="dlkit")
class PixelAccuracy(ClassCounts):
    """Computes the fraction of correctly classified pixels, excluding void pixels (deck 003).

    With several channels, the class with the largest value is predicted; a single channel is thresholded at
    `threshold`, or at 0.5.
    """

    def __init__(
        self, *, classes: int = 2, threshold: float | None = None, name: str = "accuracy", dtype: Any = None
    ) -> None:
        super().__init__(classes, threshold, name, dtype)

    def result(self) -> Any:
        """Return the accuracy, from 0 to 1."""
        return ops.divide_no_nan(ops.sum(self.both), ops.sum(self.there))
