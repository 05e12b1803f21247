"""The mean recall over classes."""

from typing import Any

import keras
from keras import ops

from dlkit.components.metrics._class_counts import ClassCounts


@keras.saving.register_keras_serializable(package="dlkit")
class BalancedAccuracy(ClassCounts):
    """Computes the mean recall over the classes that are present, so that rare classes count as much as common ones.

    With several units, the class with the largest value is predicted; a single unit is thresholded at `threshold`, or
    at 0.5. A constant prediction gets 1 / classes.
    """

    def __init__(
        self, *, classes: int = 2, threshold: float | None = None, name: str = "balanced_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(classes, threshold, name, dtype)

    def result(self) -> Any:
        """Return the mean recall, from 0 to 1."""
        return self.averaged(ops.divide_no_nan(self.both, self.there), self.there > 0, None)
