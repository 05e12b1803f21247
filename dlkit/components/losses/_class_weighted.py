"""A loss whose examples count by the weights of their classes."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlkit")
class ClassWeighted(keras.losses.Loss):
    """Multiplies the weight of every example in a loss by that of its class, as class_weight does in Keras.

    weighted: the loss, of targets (n, classes) that are one-hot or shares of classes, or (n, 1) for two classes.
    """

    def __init__(self, weighted: Any, weights: Sequence[float]) -> None:
        super().__init__(name=weighted.name, reduction=weighted.reduction)
        self.weighted = weighted
        self.weights = [float(weight) for weight in weights]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return a batch's loss; y_true and y_pred (n, classes) or (n, 1), sample_weight (n,) or None."""
        weights = self._of_examples(ops.cast(y_true, self.dtype))
        if sample_weight is not None:
            weights *= ops.cast(sample_weight, self.dtype)
        return self.weighted(y_true, y_pred, weights)

    def _of_examples(self, y_true: Any) -> Any:
        """Return the weight of each example (n,); of mixed classes, their mean by share."""
        shares = ops.concatenate([1 - y_true, y_true], axis=-1) if y_true.shape[-1] == 1 else y_true
        return ops.sum(shares * ops.convert_to_tensor(self.weights, dtype=shares.dtype), axis=-1)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the weighted loss of a batch."""
        return self(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {"weighted": self.weighted, "weights": self.weights}
