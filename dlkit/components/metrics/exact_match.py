"""Share of transcripts without any error."""

from typing import Any

import keras
from keras import ops

from dlkit.components.metrics._letters import greedy, moved_left


@keras.saving.register_keras_serializable(package="dlkit")
class ExactMatch(keras.metrics.Mean):
    """Computes the share of recordings whose text, read greedily, is the transcript.

    y_true: letters (n, longest), -1 after the end; y_pred: logits (n, frames, letters + 1) for CTC.
    """

    def __init__(self, *, name: str = "exact_match", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch; sample_weight (n,) or None."""
        truth, found = ops.cast(y_true, "int32"), moved_left(greedy(y_pred))
        longest, frames = ops.shape(truth)[1], ops.shape(found)[1]
        both = ops.maximum(longest, frames)
        truth, found = (
            ops.pad(letters, [[0, 0], [0, both - size]], constant_values=-1)
            for letters, size in ((truth, longest), (found, frames))
        )
        super().update_state(ops.all(ops.equal(truth, found), axis=1), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the settings for saving."""
        return {"name": self.name, "dtype": self.dtype}
