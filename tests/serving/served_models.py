"""Models without a runtime: half plus two, as in TensorFlow Serving's own tests, and echoes."""

import threading
import time
from pathlib import Path
from typing import ClassVar

import numpy as np

from dlkit.serving.backends.backend import Backend
from dlkit.serving.description import Description
from dlkit.serving.model import Opened
from dlkit.serving.signature import DEFAULT, Signature, TensorSpec

SCALAR, ONE, TWO = (TensorSpec("float32", shape) for shape in ((None,), (None, 1), (None, 2)))


class HalfPlusTwo(Backend):
    """y = x / 2 + 2, for values, classes and regressions."""

    platform = "python"
    signatures: ClassVar = {
        DEFAULT: Signature({"x": SCALAR}, {"y": SCALAR}),
        "pairs": Signature({"x": TWO}, {"y": TWO}),
        "classify_x_to_y": Signature({"x": ONE}, {"scores": ONE}),
        "regress_x_to_y": Signature({"x": SCALAR}, {"outputs": SCALAR}),
    }

    def run(self, signature, inputs):
        (output,) = self.signatures[signature].outputs
        return {output: inputs["x"] / 2 + 2}


class Echo(Backend):
    """Returns its inputs, for signatures of any dtypes."""

    platform = "python"

    def __init__(self, **signatures):
        self.signatures = {
            name: Signature(specs, {f"{key}_bytes" if key == "raw" else key: spec for key, spec in specs.items()})
            for name, specs in signatures.items()
        }

    def run(self, signature, inputs):
        return {f"{key}_bytes" if key == "raw" else key: array for key, array in inputs.items()}


class Slow(HalfPlusTwo):
    """Half plus two, which computes while `free` is set; `sizes` are those of its batches, in order."""

    def __init__(self):
        self.free, self.entered = threading.Event(), threading.Semaphore(0)
        self.sizes, self.seen = [], []

    def run(self, signature, inputs):
        self.entered.release()
        assert self.free.wait(20)
        self.sizes.append(len(inputs["x"]))
        self.seen.extend(inputs["x"].tolist())
        if -1 in inputs["x"]:
            raise ValueError("minus one")
        return super().run(signature, inputs)


def opened(backend, folder=Path("/nowhere"), **description):
    """An artefact in memory."""
    return Opened(folder, Description("test", "test", **description), backend)


def wait_until(condition, seconds=20):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)


def half(x):
    """What half plus two answers."""
    return (np.float32(x) / 2 + 2).item()
