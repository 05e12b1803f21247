"""Open a plain Keras script with Keras alone; run by reader.py in a clean process."""

import os
import runpy
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules.setdefault("sklearn", None)  # type: ignore[arg-type]  # Keras would import it

import keras
import tensorflow as tf


def open_artefact(folder, threads):
    """Return a function from an endpoint and its arguments to its outputs, all NumPy arrays."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    script = runpy.run_path(str(folder / "model.py"), run_name="model")
    network = script["load"]()

    def call(endpoint, arguments):
        del endpoint  # a script has one
        (inputs,) = arguments.values()
        return script["predict"](network, inputs.astype(object) if inputs.dtype.kind == "S" else inputs)

    return call


def versions():
    """Return the versions of what computes."""
    return {"keras": keras.__version__, "tensorflow": tf.__version__}
