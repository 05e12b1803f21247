"""Run an ONNX file with ONNX Runtime, without TensorFlow."""

from pathlib import Path
from typing import Any

import numpy as np

from dlkit.errors import CheckError, MissingError
from dlkit.process import THREADS, whole_number
from dlkit.safety.files import first_line
from dlkit.safety.onnx_files import check_onnx
from dlkit.serving.backends.backend import Arrays, Backend, labelled, with_label
from dlkit.serving.description import Description
from dlkit.serving.signature import Signature, TensorSpec
from dlkit.serving.status import invalid

ELEMENTWISE = {"Add", "Relu", "LeakyRelu", "Elu", "Selu", "Sigmoid", "Tanh", "Softplus", "Clip"}
DTYPES = {"float": "float32", "double": "float64"}
FILE = "model.onnx"


class OnnxBackend(Backend):
    """An ONNX file in ONNX Runtime, with one thread, which leaves the other cores to the server itself."""

    platform = "onnxruntime_onnx"

    def __init__(self, folder: Path, description: Description) -> None:
        self._description, self._file = description, folder / FILE
        check_onnx(self._file)
        self._session = _session(str(self._file))
        inputs = {item.name: _spec(item) for item in self._session.get_inputs()}
        outputs = {item.name: _spec(item) for item in self._session.get_outputs()}
        self.signatures = with_label(Signature(inputs, outputs), description)
        self._names = list(outputs)
        self._first_maps: tuple[Any, str] | None = None

    def run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        """Return the outputs."""
        found = dict(zip(self._names, _run(self._session, self._names, inputs), strict=True))
        return labelled(found, self.signatures[signature], self._description)

    def feature_maps(self, inputs: Arrays) -> np.ndarray | None:
        """Return the first convolution's output, with bias and activation where they follow at once."""
        if self._first_maps is None:
            self._first_maps = _up_to_first_convolution(self._file)
        session, name = self._first_maps
        if session is None:
            return None
        maps: np.ndarray = _run(session, [name], inputs)[0][0]
        return maps.transpose(1, 2, 0)  # ONNX has channels first


def _session(model: str | bytes) -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise MissingError("serving an ONNX file needs onnxruntime", "pip install 'dlkit[onnx]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = whole_number(THREADS) or 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own classes of errors derive from Exception alone
        raise CheckError(f"ONNX Runtime cannot load the model: {first_line(error)}", "export the run again") from error


def _spec(item: Any) -> TensorSpec:
    dtype = item.type.removeprefix("tensor(").removesuffix(")")
    shape = tuple(size if isinstance(size, int) else None for size in item.shape)
    return TensorSpec(DTYPES.get(dtype, dtype), shape)


def _run(session: Any, names: list[str], inputs: Arrays) -> list[np.ndarray]:
    try:
        found: list[np.ndarray] = session.run(names, dict(inputs))
        return found
    except Exception as error:  # its own classes of errors derive from Exception alone
        raise invalid(f"the model cannot compute these inputs: {first_line(error)}") from error


def _up_to_first_convolution(file: Path) -> tuple[Any, str]:
    """Return a session of the same file that ends with the first convolution, and its output; None without one."""
    import onnx

    model = onnx.load(str(file))
    nodes = model.graph.node
    first = next((node for node in nodes if node.op_type == "Conv"), None)
    if first is None:
        return None, ""
    name = first.output[0]
    while len(following := [node for node in nodes if name in node.input]) == 1:
        if following[0].op_type not in ELEMENTWISE:
            break
        name = following[0].output[0]
    del model.graph.output[:]
    model.graph.output.append(onnx.ValueInfoProto(name=name))
    return _session(model.SerializeToString()), name
