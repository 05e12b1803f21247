"""Connectionist temporal classification with the true lengths of recordings and transcripts."""

from typing import Any

import keras
from keras import ops

from dlkit.components.layers.blank_padding import real_frames


class TranscriptCTC(keras.losses.Loss):
    """Returns minus the logarithm of the probability of each transcript, summed over all alignments (Graves, 2006).

    y_true: letters (n, longest), -1 after the end; y_pred: logits (n, frames, letters + 1), the last class is blank.
    Frames of padding, as BlankPadding marks them, and padding of transcripts are not counted.
    """

    def __init__(self) -> None:
        super().__init__(name="ctc")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one loss per recording, in nats (n,)."""
        logits, letters = ops.cast(y_pred, "float32"), ops.cast(y_true, "int32")
        lengths = (ops.sum(ops.cast(real, "int32"), axis=1) for real in (letters >= 0, real_frames(logits)))
        return ops.ctc_loss(ops.maximum(letters, 0), logits, *lengths, mask_index=y_pred.shape[-1] - 1)
