"""Run a SavedModel in a separate process with only TensorFlow: python -I THIS_FILE ARTEFACT REQUESTS ANSWERS.

REQUESTS is an .npz of arrays named `<number>/<endpoint>/<argument>`; ANSWERS gets `<number>/<round>/<output>`. Every
request is answered as one batch (round 0), one example at a time (round 1), and both again (rounds 2 and 3).
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules["dlkit"] = None  # type: ignore[assignment]  # an artefact must not need dlkit

import numpy as np
import tensorflow as tf


def answer(function, argument, array, size):
    """Return the endpoint's outputs for an array, computed `size` examples at a time."""
    parts = [function(**{argument: tf.constant(array[i : i + size])}) for i in range(0, len(array), size)]
    return {name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]}


def main(artefact, requests, answers):
    """Answer all requests with the loaded artefact."""
    model = tf.saved_model.load(artefact)
    results = {}
    with np.load(requests) as archive:
        for key in archive.files:
            number, endpoint, argument = key.split("/")
            array = archive[key]
            array = array.astype(object) if array.dtype.kind == "S" else array
            for turn, size in enumerate((len(array), 1) * 2):
                outputs = answer(model.signatures[endpoint], argument, array, size)
                for name, value in outputs.items():
                    results[f"{number}/{turn}/{name}"] = value.astype(bytes) if value.dtype == object else value
    np.savez(answers, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
