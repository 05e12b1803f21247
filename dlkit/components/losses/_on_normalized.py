"""Losses of values that the network's last layer turns back from normalized ones into their own units."""

from typing import Any

import keras
from keras import ops


def inverts(layer: Any) -> bool:
    """Return whether a layer undoes a normalization whose mean and variance are those of the targets in train."""
    return isinstance(layer, keras.layers.Normalization) and layer.invert and layer.input_mean is None


class OnNormalized(keras.losses.Loss):
    """Applies a loss to targets and outputs (n, ...) after normalizing both as `layer` does, so that it has no unit."""

    def __init__(self, loss: Any, layer: keras.layers.Normalization) -> None:
        found = keras.losses.get(loss)
        is_loss = isinstance(found, keras.losses.Loss)
        super().__init__(reduction=found.reduction if is_loss else "sum_over_batch_size")
        self.per_example = found.call if is_loss else found
        self.layer = layer

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss per example."""
        deviation = ops.maximum(ops.sqrt(self.layer.variance), keras.config.epsilon())
        return self.per_example((y_true - self.layer.mean) / deviation, (y_pred - self.layer.mean) / deviation)
