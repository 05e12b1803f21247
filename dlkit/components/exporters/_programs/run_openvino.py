"""Open an OpenVINO model with its runtime alone, in float32; run by reader.py in a clean process."""

from importlib.metadata import version

import numpy as np
import openvino


def open_artefact(folder, threads):
    """Return a function from an endpoint and its arguments to its outputs, all NumPy arrays."""
    # Without the hint, processors with bfloat16 units compute in bfloat16.
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    model = openvino.Core().compile_model(folder / "model.xml", "CPU", settings)
    names = {output: output.get_any_name() for output in model.outputs}
    request = model.create_infer_request()

    def call(endpoint, arguments):
        del endpoint  # a model has one
        found = request.infer(arguments)
        return {name: np.array(found[output]) for output, name in names.items()}

    return call


def versions():
    """Return the versions of what computes."""
    return {"openvino": version("openvino")}
