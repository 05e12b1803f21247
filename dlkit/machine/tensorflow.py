"""Import TensorFlow and Keras without their start-up messages."""

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dlkit.errors import InputError
from dlkit.machine.limits import check_address_space
from dlkit.process import THREADS, is_deterministic, whole_number


def start_tensorflow(sharded: bool = False) -> None:
    """Import TensorFlow and Keras quietly; if the import fails, show their output.

    sharded: compute every operation in one thread, and several at once, so that the number of threads does not change
    the results of a batch that is cut into shards.
    """
    check_address_space()
    if "tensorflow" not in sys.modules or "keras" not in sys.modules:
        _import_quietly()
    _check_backend()
    _apply_conditions(sharded)


def accelerators() -> tuple[list[str], bool]:
    """Return the names of the GPUs that TensorFlow uses, and whether the system has a driver for NVIDIA GPUs."""
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(device).get("device_name", device.name) for device in devices]
    return names, Path("/proc/driver/nvidia/version").is_file()


def devices() -> str:
    """Return what TensorFlow computes on: its accelerators, or the processor with its number of threads."""
    import tensorflow as tf

    others = [device.device_type for device in tf.config.list_logical_devices() if device.device_type != "CPU"]
    threads = tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count()
    return ", ".join(f"{others.count(kind)} {kind}" for kind in dict.fromkeys(others)) or f"CPU, {threads} threads"


def _import_quietly() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # overrides the user's setting for other programs
    # TensorFlow disables oneDNN on processors without AVX-512, where it cuts the time of a convolution by a third.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _hidden_stderr(), _without_collections(), _hidden_module("sklearn"):
        import logging

        import keras  # noqa: F401
        import tensorflow as tf

        tf.config.list_physical_devices()  # prints warnings on machines without an accelerator
        for name in ("absl", "tensorflow"):
            logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def _hidden_module(name: str) -> Iterator[None]:
    """Let the import of a module fail: Keras wraps scikit-learn, which takes a second to start and is rarely needed."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def _check_backend() -> None:
    """Raise InputError if Keras already uses another backend; pipelines, loop and exports need TensorFlow."""
    import keras

    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"Keras uses the backend {keras.backend.backend()}, but dlkit needs tensorflow",
            "set KERAS_BACKEND=tensorflow before Keras is imported",
        )


def _apply_conditions(sharded: bool) -> None:
    """Set threads and determinism from the environment; both must be set before any computation."""
    import tensorflow as tf

    threads = whole_number(THREADS)
    if threads or sharded:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(1 if sharded else threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads or 0)
        except RuntimeError as error:
            raise InputError(
                f"cannot set {threads or 1} threads: TensorFlow has already started", "start a new process"
            ) from error
    if is_deterministic():
        tf.config.experimental.enable_op_determinism()


@contextmanager
def _without_collections() -> Iterator[None]:
    """Do not search for unreachable objects while imports create a million that stay, nor among these afterwards."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@contextmanager
def _hidden_stderr() -> Iterator[None]:
    """Redirect file descriptor 2, because some lines are written before log levels take effect."""
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
