"""Convert a SavedModel to ONNX in a process of its own: python -I THIS_FILE SAVED_MODEL FILE SETTINGS."""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules.setdefault("keras", None)  # type: ignore[arg-type]  # half of the time that TensorFlow takes to start

import onnx
import tensorflow as tf
import tf2onnx
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


def main(source, target, settings):
    """Freeze the signature, convert it, check the file, and rename inputs and outputs to the signature's names."""
    loaded = tf.saved_model.load(source)
    signature = loaded.signatures["serving_default"]
    frozen = convert_variables_to_constants_v2(signature, lower_control_flow=False, aggressive_inlining=True)
    inputs = [tensor.name for tensor in frozen.inputs if tensor.dtype != tf.resource]
    outputs = dict(zip([tensor.name for tensor in frozen.outputs], sorted(signature.structured_outputs), strict=True))
    model, _ = tf2onnx.convert.from_graph_def(
        frozen.graph.as_graph_def(),
        input_names=inputs,
        output_names=list(outputs),
        opset=json.loads(settings)["opset"],
        custom_rewriter=[with_where],
        tensors_to_rename={inputs[0]: "inputs", **outputs},
    )
    onnx.checker.check_model(model, full_check=True)
    found = [tensor.name for tensor in model.graph.input]
    if found != ["inputs"]:  # constants that were not frozen become inputs, and the checker accepts that
        raise SystemExit(f"the graph has the inputs {found}, but only `inputs` is allowed")
    onnx.save(model, target)


def with_where(graph, operations):
    """Have tf2onnx select by Where: its products with 0 and 1 would make NaN of a NaN that is not selected."""
    del graph
    for operation in operations:
        if operation.type in ("Select", "SelectV2"):
            operation.set_attr("handles_nan", True)
    return operations


if __name__ == "__main__":
    main(*sys.argv[1:])
