"""Cross-entropy of pixels plus soft Dice."""

from typing import Any

import keras

from dlkit.components.losses.soft_dice import SoftDice


@keras.saving.register_keras_serializable(package="dlkit")
class CrossEntropyDice(keras.losses.Loss):
    """Pixel-wise cross-entropy plus soft Dice loss (deck 003), each with a weight.

    Binary cross-entropy for one channel, categorical for several. `class_weights` are those of the Dice loss's mean.
    """

    def __init__(
        self,
        *,
        cross_entropy_weight: float = 1.0,
        dice_weight: float = 1.0,
        class_weights: list[float] | None = None,
        name: str = "cross_entropy_dice",
    ) -> None:
        super().__init__(name=name)
        self.cross_entropy_weight = cross_entropy_weight
        self.dice_weight = dice_weight
        self.class_weights = class_weights
        self._dice = SoftDice(class_weights=class_weights)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of a batch, a number; y_true and y_pred (n, ..., channels), sample_weight (n, ...) or None."""
        several = y_pred.shape[-1] > 1
        entropy = keras.losses.CategoricalCrossentropy() if several else keras.losses.BinaryCrossentropy()
        dice = self._dice(y_true, y_pred, sample_weight)
        return self.cross_entropy_weight * entropy(y_true, y_pred, sample_weight) + self.dice_weight * dice

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The unweighted loss of a batch."""
        return self(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Settings, for saving."""
        names = ("cross_entropy_weight", "dice_weight", "class_weights", "name")
        return {name: getattr(self, name) for name in names}
