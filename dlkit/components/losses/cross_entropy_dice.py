"""Pixel-wise cross-entropy plus soft Dice loss."""

from typing import Any

import keras

from dlkit.components.losses.soft_dice import SoftDice


@keras.saving.register_keras_serializable(package="dlkit")
class CrossEntropyDice(keras.losses.Loss):
    """Adds pixel-wise cross-entropy and soft Dice loss, each with its own weight (deck 003).

    The cross-entropy is binary for one channel and categorical for several. `class_weights` weight the mean of the
    Dice loss over classes. from_logits: whether outputs are logits, for both parts.
    """

    def __init__(
        self,
        *,
        cross_entropy_weight: float = 1.0,
        dice_weight: float = 1.0,
        class_weights: list[float] | None = None,
        from_logits: bool = False,
        name: str = "cross_entropy_dice",
    ) -> None:
        super().__init__(name=name)
        self.cross_entropy_weight = cross_entropy_weight
        self.dice_weight = dice_weight
        self.class_weights = class_weights
        self.from_logits = from_logits
        self._dice = SoftDice(class_weights=class_weights, from_logits=from_logits)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return a batch's scalar loss; y_true and y_pred (n, ..., channels), sample_weight (n, ...) or None."""
        several = y_pred.shape[-1] > 1
        kind = keras.losses.CategoricalCrossentropy if several else keras.losses.BinaryCrossentropy
        entropy = kind(from_logits=self.from_logits)
        dice = self._dice(y_true, y_pred, sample_weight)
        return self.cross_entropy_weight * entropy(y_true, y_pred, sample_weight) + self.dice_weight * dice

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the unweighted loss of a batch."""
        return self(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        names = ("cross_entropy_weight", "dice_weight", "class_weights", "from_logits", "name")
        return {name: getattr(self, name) for name in names}
