"""Pixel counts per class (present, predicted, both), from which Dice and Jaccard are computed."""

from typing import Any

import keras
from keras import ops


class ClassCounts(keras.metrics.Metric):
    """Counts pixels (or examples) whose sample weight is above 0; the size of the weight does not matter.

    With several channels, the class with the largest value is predicted, or with `threshold` every class above it.
    With one channel, the second of two classes is predicted where the value is above the threshold (default 0.5).
    """

    def __init__(self, classes: int, threshold: float | None, name: str, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.classes = classes
        self.threshold = threshold
        self._direction = "up"  # read by Keras' callbacks: higher is better
        self.both, self.there, self.predicted = (
            self.add_variable((classes,), "zeros", name=part) for part in ("both", "there", "predicted")
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch to the counts; y_true and y_pred (n, ..., channels), sample_weight (n, ...) or None."""
        truth, predicted = self._channels(ops.cast(y_true, self.dtype)), self._chosen(y_pred)
        valid = 1.0 if sample_weight is None else ops.expand_dims(ops.cast(sample_weight > 0, self.dtype), -1)
        axes = tuple(range(len(y_pred.shape) - 1))
        for variable, counted in ((self.both, truth * predicted), (self.there, truth), (self.predicted, predicted)):
            variable.assign_add(ops.sum(counted * valid, axis=axes))

    def _chosen(self, y_pred: Any) -> Any:
        """Return 1 where a class is predicted, else 0, as (n, ..., classes)."""
        if y_pred.shape[-1] == 1:
            above = y_pred > (0.5 if self.threshold is None else self.threshold)
            return self._channels(ops.cast(above, self.dtype))
        if self.threshold is not None:
            return ops.cast(y_pred > self.threshold, self.dtype)
        return ops.one_hot(ops.argmax(y_pred, axis=-1), self.classes, dtype=self.dtype)

    def _channels(self, values: Any) -> Any:
        """Expand a single channel to one channel per class."""
        return ops.concatenate([1 - values, values], axis=-1) if values.shape[-1] == 1 else values

    def averaged(self, values: Any, present: Any, class_id: int | None) -> Any:
        """Return the value of one class, or the mean over the classes that are present or predicted."""
        if class_id is not None:
            return values[class_id]
        count = ops.sum(ops.cast(present, self.dtype))
        return ops.divide_no_nan(ops.sum(ops.where(present, values, 0.0)), count)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {"classes": self.classes, "threshold": self.threshold, "name": self.name, "dtype": self.dtype}
