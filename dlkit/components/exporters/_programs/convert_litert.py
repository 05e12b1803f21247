"""Convert a SavedModel to LiteRT in a process of its own: python -I THIS_FILE SAVED_MODEL FILE SETTINGS.

SETTINGS has `precision`, float32, float16 or int8, and for int8 `examples`, an .npy of inputs. Only LiteRT's built-in
operations are allowed: interpreters do not carry TensorFlow's.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules.setdefault("keras", None)  # type: ignore[arg-type]  # half of the time that TensorFlow takes to start

import numpy as np
import tensorflow as tf


def main(source, target, settings):
    """Convert the signature and write the file."""
    settings = json.loads(settings)
    converter = tf.lite.TFLiteConverter.from_saved_model(source, signature_keys=["serving_default"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if settings["precision"] != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if settings["precision"] == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if settings["precision"] == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        examples = np.load(settings["examples"], allow_pickle=False)
        converter.representative_dataset = lambda: ({"inputs": examples[i : i + 1]} for i in range(len(examples)))
    with open(target, "wb") as file:
        file.write(converter.convert())


if __name__ == "__main__":
    main(*sys.argv[1:])
