"""Convert a SavedModel to OpenVINO in a process of its own: python -I THIS_FILE SAVED_MODEL FILE SETTINGS.

SETTINGS has `outputs`, the names of the outputs in the order of the signature.
"""

import json
import sys

import openvino


def main(source, target, settings):
    """Convert the SavedModel, name its input and outputs as in the signature, and write it in float32."""
    model = openvino.convert_model(source)
    (entry,) = model.inputs
    entry.get_tensor().set_names({"inputs"})
    wanted = json.loads(settings)["outputs"]
    for output in model.outputs:
        (name,) = [name for name in wanted if name in _words(output)]
        output.get_tensor().set_names({name})
    openvino.save_model(model, target, compress_to_fp16=False)


def _words(output):
    """Return the names that a converted output may have: `name`, `name:0` or `Identity:0`."""
    return {name.partition(":")[0] for name in output.get_names()}


if __name__ == "__main__":
    main(*sys.argv[1:])
