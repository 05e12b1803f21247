"""Run a SavedModel with TensorFlow, once its operations are known to act on tensors alone."""

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.errors import CheckError
from dlkit.machine.tensorflow import start_tensorflow
from dlkit.safety.files import first_line
from dlkit.safety.saved_models import check_saved_model, saved_model_contents
from dlkit.serving.backends.backend import Arrays, Backend
from dlkit.serving.description import Description
from dlkit.serving.signature import DEFAULT, DTYPES, Signature, TensorSpec
from dlkit.serving.status import Code, Refused

ELEMENTWISE = {"BiasAdd", "AddV2", "Add", "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Sigmoid", "Tanh", "Softplus"}
BY_TEXT = {names.text: dtype for dtype, names in DTYPES.items()}


class SavedModelBackend(Backend):
    """A SavedModel in TensorFlow."""

    platform = "tensorflow_savedmodel"

    def __init__(self, folder: Path, description: Description) -> None:
        del description
        start_tensorflow()
        check_saved_model(folder)
        found = saved_model_contents(folder).signatures
        self.signatures = {name: _signature(folder, name, item) for name, item in found.items()}
        self._loaded = _load(folder)
        self._first_maps: Any = None

    def run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        """Return the outputs of an endpoint."""
        import tensorflow as tf

        try:
            tensors = {name: tf.constant(array) for name, array in inputs.items()}
            outputs = self._loaded.signatures[signature](**tensors)
            return {name: value.numpy() for name, value in outputs.items()}
        except tf.errors.OpError as error:
            raise Refused(Code(error.error_code), _reason(error)) from error

    def feature_maps(self, inputs: Arrays) -> np.ndarray | None:
        """Return the first convolution's output, with bias and activation where they follow at once."""
        import tensorflow as tf

        if self._first_maps is None:
            self._first_maps = _first_convolution(self._loaded.signatures[DEFAULT]) or (lambda _: None)
        found = self._first_maps(*[tf.constant(array) for array in inputs.values()])
        return None if found is None else found[0].numpy()[0]


def _reason(error: Exception) -> str:
    """Return why an operation failed: the line before the one that names its node, such as an unknown category."""
    before, node, _ = str(error).partition("\n\t [[")
    return re.sub(r"^assertion failed: \[(.*?)\].*", r"\1", before.splitlines()[-1]) if node else first_line(error)


def _load(folder: Path) -> Any:
    """Load a SavedModel; raise CheckError when TensorFlow cannot."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "artefact"  # TensorFlow takes []*{} in a path for a pattern
        plain.symlink_to(folder.resolve(), target_is_directory=True)
        try:
            return tf.saved_model.load(str(plain))
        except (tf.errors.OpError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckError(f"TensorFlow cannot load {folder}: {first_line(error)}", "export the run again") from error


def _signature(folder: Path, name: str, item: dict[str, Any]) -> Signature:
    inputs, outputs = ({key: _spec(folder, name, tensor) for key, tensor in item[of].items()} for of in item)
    return Signature(inputs, outputs)


def _spec(folder: Path, name: str, tensor: dict[str, Any]) -> TensorSpec:
    if tensor["shape"] is None or tensor["dtype"] not in BY_TEXT:
        raise CheckError(
            f"{folder}: endpoint {name} has a tensor of dtype {tensor['dtype']} and shape {tensor['shape']}",
            "endpoints need tensors of numbers or strings with a known number of dimensions",
        )
    return TensorSpec(BY_TEXT[tensor["dtype"]], tuple(tensor["shape"]))


def _first_convolution(endpoint: Any) -> Any:
    """Return the part of an endpoint up to its first convolution, as a function, or None without a convolution."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    frozen = convert_variables_to_constants_v2(endpoint)
    first = next((op for op in frozen.graph.get_operations() if op.type == "Conv2D"), None)
    if first is None:
        return None
    tensor = first.outputs[0]
    while len(tensor.consumers()) == 1 and tensor.consumers()[0].type in ELEMENTWISE:
        tensor = tensor.consumers()[0].outputs[0]
    return frozen.prune(frozen.inputs, [tensor])
