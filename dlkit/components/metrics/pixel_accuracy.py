"""The share of pixels whose class is right (deck 003)."""

from typing import Any

import keras
from keras import ops

from dlkit.components.metrics._class_counts import ClassCounts


@keras.saving.register_keras_serializable(package="dlkit")
class PixelAccuracy(ClassCounts):
    """Right pixels over all pixels that belong to a class (deck 003); void pixels are left out.

    Several channels predict the class with the largest value; one channel is cut at `threshold`, or at 0.5.
    """

    def __init__(
        self, *, classes: int = 2, threshold: float | None = None, name: str = "accuracy", dtype: Any = None
    ) -> None:
        super().__init__(classes, threshold, name, dtype)

    def result(self) -> Any:
        """A number from 0 to 1."""
        return ops.divide_no_nan(ops.sum(self.both), ops.sum(self.there))
