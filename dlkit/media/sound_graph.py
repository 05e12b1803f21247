"""Decode WAV inside a TensorFlow graph, for exported models, and write it, for their certificates."""

from typing import Any

import numpy as np
import tensorflow as tf

_STEPS = 2**15


def decode_recordings(encoded: Any, sampling_rate: int) -> Any:
    """Decode WAV strings (n,) of 16-bit PCM to float32 (n, samples), channels averaged, NaN after the shorter ones.

    FLAC, other formats and another sampling rate raise InvalidArgumentError when the graph runs.
    """

    def one(text: Any) -> Any:
        with tf.control_dependencies(_known_format(text)):
            values, rate = tf.audio.decode_wav(text)
        message = f"the recording does not have {sampling_rate} samples per second: resample it"
        with tf.control_dependencies([tf.debugging.Assert(rate == sampling_rate, [message, rate])]):
            return tf.reduce_mean(values, axis=1)

    rows = tf.map_fn(one, encoded, fn_output_signature=tf.RaggedTensorSpec([None], tf.float32, ragged_rank=0))
    return rows.to_tensor(default_value=np.nan)


def _known_format(text: Any) -> list[Any]:
    is_flac = tf.strings.substr(text, 0, 4) == b"fLaC"
    is_wav = (tf.strings.substr(text, 0, 4) == b"RIFF") & (tf.strings.substr(text, 8, 4) == b"WAVE")
    return [
        tf.debugging.Assert(~is_flac, ["the recording is FLAC, which this model does not decode: send WAV"]),
        tf.debugging.Assert(is_flac | is_wav, ["the recording is not WAV"]),
    ]


def encode_recordings(recordings: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Return float32 recordings (n, samples), NaN after the end of each, as WAV strings of 16 bits (n,)."""
    rows = [row[np.isfinite(row)][:, np.newaxis] for row in recordings]
    return np.asarray([_closed(tf.audio.encode_wav(row, sampling_rate).numpy()) for row in rows])


def _closed(wav: bytes) -> bytes:
    """Return a WAV string with a chunk at its end that is not 0, because NumPy removes zeros at the end of strings."""
    closed = wav + b"note" + (2).to_bytes(4, "little") + b".."
    return closed[:4] + (len(closed) - 8).to_bytes(4, "little") + closed[8:]


def in_16_bits(recordings: np.ndarray) -> np.ndarray:
    """Return the nearest samples that WAV of 16 bits represents, float32, so that both forms give equal answers."""
    return np.clip(np.round(recordings * _STEPS), -_STEPS, _STEPS - 1).astype(np.float32) / np.float32(_STEPS)
