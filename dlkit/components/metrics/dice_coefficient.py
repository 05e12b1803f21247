"""The Dice coefficient of thresholded predictions (deck 003)."""

from typing import Any

import keras
from keras import ops

from dlkit.components.metrics._class_counts import ClassCounts


@keras.saving.register_keras_serializable(package="dlkit")
class DiceCoefficient(ClassCounts):
    """Computes the Dice coefficient (F1 score) over all pixels, 2 |T and P| / (|T| + |P|) (deck 003).

    T is the truth and P the thresholded prediction. The value is that of the class `class_id`, or the mean over the
    classes that are present or predicted. Without `threshold`, the class with the largest value is predicted, and a
    single channel is thresholded at 0.5. Void pixels (sample weight 0) are excluded.
    """

    def __init__(
        self,
        *,
        classes: int = 2,
        class_id: int | None = None,
        threshold: float | None = None,
        name: str = "dice",
        dtype: Any = None,
    ) -> None:
        super().__init__(classes, threshold, name, dtype)
        self.class_id = class_id

    def result(self) -> Any:
        """Return the coefficient, from 0 to 1."""
        total = self.there + self.predicted
        return self.averaged(ops.divide_no_nan(2 * self.both, total), total > 0, self.class_id)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return super().get_config() | {"class_id": self.class_id}
