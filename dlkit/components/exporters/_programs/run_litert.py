"""Open a LiteRT file with its interpreter alone; run by reader.py in a clean process."""

from importlib.metadata import version

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def open_artefact(folder, threads):
    """Return a function from an endpoint and its arguments to its outputs, all NumPy arrays.

    A file with a fixed batch of 1 answers one example after the other.
    """
    interpreter = Interpreter(model_path=str(folder / "model.tflite"), num_threads=threads)
    runner = interpreter.get_signature_runner("serving_default")
    name, details = next(iter(runner.get_input_details().items()))
    fixed = details["shape_signature"][0] == 1

    def call(endpoint, arguments):
        del endpoint  # a LiteRT file has one
        array = np.ascontiguousarray(arguments[name])
        if not fixed:
            return runner(**{name: array})
        parts = [runner(**{name: array[i : i + 1]}) for i in range(len(array))]
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}

    return call


def versions():
    """Return the versions of what computes."""
    return {"ai-edge-litert": version("ai-edge-litert")}
