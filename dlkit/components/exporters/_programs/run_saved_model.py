"""Open a SavedModel with TensorFlow alone; run by reader.py in a clean process."""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules.setdefault("keras", None)  # type: ignore[arg-type]  # half of the time that TensorFlow takes to start

import numpy as np
import tensorflow as tf


def open_artefact(folder, threads):
    """Return a function from an endpoint and its arguments to its outputs, all NumPy arrays."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    inner = folder / "models" / "model" / "1"  # of a build folder for TensorFlow Serving
    model = tf.saved_model.load(str(inner if inner.is_dir() else folder))

    def call(endpoint, arguments):
        tensors = {name: tf.constant(_text(array)) for name, array in arguments.items()}
        return {name: _bytes(value.numpy()) for name, value in model.signatures[endpoint](**tensors).items()}

    return call


def versions():
    """Return the versions of what computes."""
    return {"tensorflow": tf.__version__}


def _text(array):
    return array.astype(object) if np.asarray(array).dtype.kind == "S" else array


def _bytes(array):
    return array.astype(bytes) if array.dtype == object else array
