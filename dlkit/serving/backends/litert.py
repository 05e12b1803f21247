"""Run a LiteRT file with its interpreter, without TensorFlow."""

from pathlib import Path
from typing import Any
from warnings import catch_warnings

import numpy as np

from dlkit.errors import CheckError, MissingError
from dlkit.process import THREADS, whole_number
from dlkit.safety.files import first_line
from dlkit.safety.litert_files import check_litert
from dlkit.serving.backends.backend import Arrays, Backend, labelled, with_label
from dlkit.serving.description import Description
from dlkit.serving.signature import DEFAULT, Signature, TensorSpec
from dlkit.serving.status import invalid

FILE = "model.tflite"
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


class LiteRTBackend(Backend):
    """A LiteRT file in its interpreter, with one thread; a file for a fixed batch computes one example at a time."""

    platform = "tflite"

    def __init__(self, folder: Path, description: Description) -> None:
        self._description, self._file = description, folder / FILE
        check_litert(self._file)
        self._runner = _interpreter(self._file).get_signature_runner(DEFAULT)
        taken, given = self._runner.get_input_details(), self._runner.get_output_details()
        inputs = {name: _spec(item) for name, item in taken.items()}
        outputs = {name: _spec(item) for name, item in given.items()}
        self._one_by_one = any(item["shape_signature"][0] == 1 for item in taken.values())
        self.signatures = with_label(Signature(inputs, outputs), description)
        self._keeping: Any = None

    def run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        """Return the outputs."""
        rows = len(next(iter(inputs.values())))
        size = 1 if self._one_by_one else max(rows, 1)
        batches = ({name: array[at : at + size] for name, array in inputs.items()} for at in range(0, rows, size))
        parts = [self._call(batch) for batch in batches]
        found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return labelled(found, self.signatures[signature], self._description)

    def _call(self, inputs: Arrays) -> dict[str, np.ndarray]:
        try:
            found: dict[str, np.ndarray] = self._runner(**inputs)
            return found
        except (ValueError, RuntimeError) as error:
            raise invalid(f"the model cannot compute these inputs: {first_line(error)}") from error

    def feature_maps(self, inputs: Arrays) -> np.ndarray | None:
        """Return the first convolution's output, with its bias and its activation."""
        if self._keeping is None:
            with catch_warnings(action="ignore"):  # that it needs more memory
                self._keeping = _interpreter(self._file, experimental_preserve_all_tensors=True)
        interpreter = self._keeping
        first = next((op for op in interpreter._get_ops_details() if op["op_name"] in CONVOLUTIONS), None)
        if first is None:
            return None
        interpreter.get_signature_runner(DEFAULT)(**inputs)
        maps: np.ndarray = interpreter.get_tensor(first["outputs"][0])[0]
        return maps


def _interpreter(file: Path, **settings: Any) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError as error:
        raise MissingError("serving a LiteRT file needs ai-edge-litert", "pip install 'dlkit[litert]'") from error
    try:
        return Interpreter(model_path=str(file), num_threads=whole_number(THREADS) or 1, **settings)
    except (ValueError, RuntimeError) as error:
        raise CheckError(f"LiteRT cannot load {file}: {first_line(error)}", "export the run again") from error


def _spec(item: dict[str, Any]) -> TensorSpec:
    sizes = [None if size == -1 else int(size) for size in item["shape_signature"]]
    return TensorSpec(np.dtype(item["dtype"]).name, (None, *sizes[1:]))
