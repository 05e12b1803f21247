"""The Dice coefficient of thresholded predictions (deck 003)."""

from typing import Any

import keras
from keras import ops

from dlkit.components.metrics._class_counts import ClassCounts


@keras.saving.register_keras_serializable(package="dlkit")
class DiceCoefficient(ClassCounts):
    """2 |T and P| / (|T| + |P|) of predictions above the threshold T, over all pixels (deck 003); it is the F1 score.

    Of the class `class_id`, or the mean over the classes that are there or predicted. Without `threshold` the class
    with the largest value is predicted, and one channel is cut at 0.5. Void pixels (sample weight 0) are left out.
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
        """A number from 0 to 1."""
        total = self.there + self.predicted
        return self.averaged(ops.divide_no_nan(2 * self.both, total), total > 0, self.class_id)

    def get_config(self) -> dict[str, Any]:
        """Settings, for saving."""
        return super().get_config() | {"class_id": self.class_id}
