"""Imports TensorFlow and Keras without their start-up chatter."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def start_tensorflow() -> None:
    """Import TensorFlow and Keras quietly; when that fails, what they printed is shown."""
    if "tensorflow" in sys.modules and "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # TensorFlow leaves oneDNN off on processors without AVX-512, where it takes a third off the work of a convolution.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _hidden_stderr():
        import logging

        import keras  # noqa: F401
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for accelerators, and complains on a machine without
        logging.getLogger("absl").setLevel(logging.ERROR)


@contextmanager
def _hidden_stderr() -> Iterator[None]:
    """Send file descriptor 2 elsewhere: some lines are written before any log level is heeded."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            hidden.seek(0)
            sys.stderr.write(hidden.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
