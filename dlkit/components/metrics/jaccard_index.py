"""The Jaccard index, or intersection over union (deck 003)."""

from typing import Any

import keras
from keras import ops

from dlkit.components.metrics._class_counts import ClassCounts


@keras.saving.register_keras_serializable(package="dlkit")
class JaccardIndex(ClassCounts):
    """Computes the intersection over union over all pixels, |T and P| / |T or P| (deck 003); Dice is 2 J / (1 + J).

    The value is that of the class `class_id`, or the mean over the classes that are present or predicted, as in
    keras.metrics.OneHotMeanIoU; in addition, void pixels are excluded whatever the class weights are, and a single
    channel is thresholded at `threshold`.
    """

    def __init__(
        self,
        *,
        classes: int = 2,
        class_id: int | None = None,
        threshold: float | None = None,
        name: str = "iou",
        dtype: Any = None,
    ) -> None:
        super().__init__(classes, threshold, name, dtype)
        self.class_id = class_id

    def result(self) -> Any:
        """Return the index, from 0 to 1."""
        union = self.there + self.predicted - self.both
        return self.averaged(ops.divide_no_nan(self.both, union), union > 0, self.class_id)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return super().get_config() | {"class_id": self.class_id}
