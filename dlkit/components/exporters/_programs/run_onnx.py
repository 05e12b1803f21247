"""Open an ONNX file with ONNX Runtime alone; run by reader.py in a clean process."""

import onnxruntime


def open_artefact(folder, threads):
    """Return a function from an endpoint and its arguments to its outputs, all NumPy arrays."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def call(endpoint, arguments):
        del endpoint  # an ONNX file has one
        return dict(zip(names, session.run(names, arguments), strict=True))

    return call


def versions():
    """Return the versions of what computes."""
    return {"onnxruntime": onnxruntime.__version__}
