"""Compare the start-up of dlkit's verbs with the imports they need: python benchmarks/startup.py [rounds].

`--help`, `list`, `validate` and the second `summary` are compared with a bare import of typer and rich; the first
`summary` with `import keras`; the start of a training (from reading the recipe to the end of the first step) with a
program that imports TensorFlow, builds the same network by hand and takes one step. Rounds are interleaved.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 5
LIGHT = "import typer, rich"
BY_HAND = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
from sklearn.datasets import load_digits
x, y = load_digits(return_X_y=True)
layers = keras.layers
network = keras.Sequential([keras.Input((64,)), layers.Rescaling(1 / 16), layers.Dense(64, activation="relu"),
                            layers.Dropout(0.2), layers.Dense(10, activation="softmax")])
network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
network.train_on_batch(x[:32], y[:32])
"""
FIRST_STEP = """
from dlkit.recipe import load_recipe
loaded = load_recipe("digits_mlp")
from dlkit.machine.tensorflow import start_tensorflow
start_tensorflow()
from dlkit.interfaces.reporter import Reporter
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare
training = Training(loaded.recipe, prepare(loaded), Reporter())
training.start()
training.steps.take(training.steps.stream(0, 1))
"""
DLKIT = [sys.executable, "-m", "dlkit"]
PAIRS = {
    "dlkit --help": ([*DLKIT, "--help"], LIGHT),
    "dlkit list recipes": ([*DLKIT, "list", "recipes"], LIGHT),
    "dlkit validate": ([*DLKIT, "validate", "mnist_mlp"], LIGHT),
    "dlkit summary, second": ([*DLKIT, "summary", "digits_mlp"], LIGHT),
    "dlkit summary, first": ([*DLKIT, "summary", "digits_mlp"], "import keras"),
    "first step of training": ([sys.executable, "-c", FIRST_STEP], BY_HAND),
}


def seconds(command: list[str], cache: str) -> float:
    """Return the wall-clock time of one process."""
    begun = time.perf_counter()
    places = os.environ | {"DLKIT_CACHE": cache}
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=places)
    return time.perf_counter() - begun


def main(rounds: int = ROUNDS) -> None:
    """Time every command and its baseline once per round, so that other load affects both equally; print medians."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in PAIRS}
    with tempfile.TemporaryDirectory() as kept:
        seconds(PAIRS["dlkit summary, first"][0], kept)
        for _ in range(rounds):
            for name, (command, measure) in PAIRS.items():
                with tempfile.TemporaryDirectory() as fresh:
                    ours = seconds(command, fresh if name.endswith("first") else kept)
                    times[name].append((ours, seconds([sys.executable, "-c", measure], kept)))
    print(f"medians of {rounds} rounds")
    for name, pairs in times.items():
        ours, measure = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{name:<24} {ours:6.2f} s   {ours / measure:.2f} times {measure:.2f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
