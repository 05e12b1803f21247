"""Imports TensorFlow and Keras without their start-up chatter."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from dlkit.errors import InputError
from dlkit.process import THREADS, is_deterministic, whole_number


def start_tensorflow() -> None:
    """Import TensorFlow and Keras quietly; when that fails, what they printed is shown."""
    if "tensorflow" not in sys.modules or "keras" not in sys.modules:
        _import_quietly()
    _check_backend()
    _apply_conditions()


def _import_quietly() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's other programs run on
    # TensorFlow leaves oneDNN off on processors without AVX-512, where it takes a third off the work of a convolution.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _hidden_stderr():
        import logging

        import keras  # noqa: F401
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for accelerators, and complains on a machine without
        for name in ("absl", "tensorflow"):
            logging.getLogger(name).setLevel(logging.ERROR)


def _check_backend() -> None:
    """InputError where Keras has another backend already: pipelines, loop and exports are TensorFlow's."""
    import keras

    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"Keras runs on {keras.backend.backend()} here, dlkit needs TensorFlow",
            "set KERAS_BACKEND=tensorflow before Keras is imported",
        )


def _apply_conditions() -> None:
    """Threads and determinism as the environment asks for them; both must be set before anything is computed."""
    import tensorflow as tf

    threads = whole_number(THREADS)
    if threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError as error:
            raise InputError(
                f"TensorFlow has started with other threads than the {threads} asked for", "use a new process"
            ) from error
    if is_deterministic():
        tf.config.experimental.enable_op_determinism()


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
