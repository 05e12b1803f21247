"""One minus the soft Dice coefficient with squares in its denominator (deck 003)."""

from typing import Any

import keras
from keras import ops

from dlkit.components.metrics._on_probabilities import probabilities


@keras.saving.register_keras_serializable(package="dlkit")
class SoftDice(keras.losses.Loss):
    """Averages 1 - 2 sum(t p) / (sum(t^2) + sum(p^2)) over classes (deck 003).

    The sums run over all pixels of the batch, so a class that is absent from one image does not distort the loss.
    `class_weights` weight the mean over channels, and sample weights weight the pixels in the sums. Unlike this loss,
    keras.losses.Dice has no squares. from_logits: whether outputs are logits, of which it takes the probabilities.
    """

    def __init__(
        self, *, class_weights: list[float] | None = None, from_logits: bool = False, name: str = "soft_dice"
    ) -> None:
        super().__init__(name=name)
        self.class_weights = class_weights
        self.from_logits = from_logits

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return a batch's scalar loss; y_true and y_pred (n, ..., classes), sample_weight (n, ...) or None."""
        predicted = ops.cast(y_pred, self.dtype)
        if self.from_logits:
            predicted = probabilities(predicted)
        losses = 1 - coefficients(ops.cast(y_true, self.dtype), predicted, sample_weight)
        if self.class_weights is None:
            return ops.mean(losses)
        weights = ops.convert_to_tensor(self.class_weights, losses.dtype)
        return ops.sum(weights * losses) / ops.sum(weights)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the unweighted loss of a batch."""
        return self(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {"class_weights": self.class_weights, "from_logits": self.from_logits, "name": self.name}


def coefficients(truth: Any, predicted: Any, weights: Any = None) -> Any:
    """Return the soft Dice coefficient of every class (classes,); 1 for a class neither present nor predicted.

    truth and predicted: (n, ..., classes); weights: (n, ...) or None.
    """
    axes = tuple(range(len(predicted.shape) - 1))
    weight = 1.0 if weights is None else ops.expand_dims(ops.cast(weights, predicted.dtype), -1)
    overlap = ops.sum(weight * truth * predicted, axis=axes)
    squares = ops.sum(weight * (ops.square(truth) + ops.square(predicted)), axis=axes)
    epsilon = keras.config.epsilon()
    return (2 * overlap + epsilon) / (squares + epsilon)
