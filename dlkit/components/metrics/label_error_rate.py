"""Label error rate of transcripts."""

from typing import Any

import keras
from keras import ops

from dlkit.components.metrics._letters import edit_distance, greedy


@keras.saving.register_keras_serializable(package="dlkit")
class LabelErrorRate(keras.metrics.Metric):
    """Counts the letters to insert, delete or replace to get the transcripts, per letter of the transcripts.

    y_true: letters (n, longest), -1 after the end; y_pred: logits (n, frames, letters + 1) for CTC, read greedily.
    (Graves et al., "Connectionist temporal classification", 2006, section 2.1, with the sum over all letters.)
    """

    def __init__(self, *, name: str = "label_error_rate", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self._direction = "down"
        self.edits, self.letters = (self.add_variable((), "zeros", name=part) for part in ("edits", "letters"))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch; sample_weight (n,) or None."""
        truth = ops.cast(y_true, "int32")
        weight = 1.0 if sample_weight is None else ops.cast(ops.reshape(sample_weight, [-1]), self.dtype)
        edits = edit_distance(truth, greedy(y_pred))
        letters = ops.sum(ops.cast(truth >= 0, "int32"), axis=1)
        self.edits.assign_add(ops.sum(weight * ops.cast(edits, self.dtype)))
        self.letters.assign_add(ops.sum(weight * ops.cast(letters, self.dtype)))

    def result(self) -> Any:
        """Return the edits per letter; more than 1 if the network says much more than the transcripts."""
        return ops.divide_no_nan(self.edits, self.letters)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {"name": self.name, "dtype": self.dtype}
