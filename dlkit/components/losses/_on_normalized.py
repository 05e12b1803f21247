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
        self.loss = keras.losses.get(loss)
        super().__init__(name=self.loss.name, reduction=self.loss.reduction)
        self.layer = layer

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss per example."""
        deviation = ops.maximum(ops.sqrt(self.layer.variance), keras.config.epsilon())
        return self.loss.call((y_true - self.layer.mean) / deviation, (y_pred - self.layer.mean) / deviation)
