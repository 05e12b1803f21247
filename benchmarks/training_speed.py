"""Compare a recipe's training steps in dlkit with plain Keras, a bare TensorFlow loop and PyTorch.

    python benchmarks/training_speed.py [--recipe cifar_cnn] [--steps 20] [--rounds 5] [--torch-python PYTHON]

Every variant trains the recipe's own network with its batch size and optimizer on the same decoded images: `dlkit`
(its pipeline and loop, augmentation as in the recipe), `dlkit, no augmentation`, `fit` (Keras on preprocessed arrays),
`tf.function` (a hand-written loop over tensors in memory) and, when an interpreter with PyTorch is given, `torch`
(channels_last, float32). Rounds are interleaved; medians are printed as images per second and as a ratio to dlkit
without augmentation.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

from dlkit.machine.tensorflow import start_tensorflow

start_tensorflow()

import numpy as np
import tensorflow as tf
from timing import seconds

from dlkit.interfaces.reporter import Reporter
from dlkit.model.compile import compile_model
from dlkit.recipe import load_recipe
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare


def started(recipe, overrides=()):
    """Return a training of the recipe that is ready for its first step."""
    loaded = load_recipe(recipe, overrides)
    training = Training(loaded.recipe, prepare(loaded), Reporter())
    training.start()
    return training


def dlkit_variant(training, steps):
    """Return a function that takes steps with dlkit's own pipeline and loop."""
    stream = training.steps.stream(0, 10**9)
    training.steps.take(stream, 2)
    return lambda: training.steps.take(stream, steps)


def arrays_of(recipe):
    """Return the built model, its recipe, and preprocessed arrays (x, y) of the first train examples."""
    loaded = load_recipe(recipe, ["data.augment=[]"])
    ready = prepare(loaded)
    built, splits = ready.built, ready.splits
    count = min(len(splits.train), 12_800)
    parts = [built.prepare(*splits.train.read(np.arange(a, min(a + 1000, count)))) for a in range(0, count, 1000)]
    x, y = (np.concatenate([np.asarray(part[index]) for part in parts]) for index in (0, 1))
    return built, loaded.recipe, x, y


def fit_variant(recipe, steps):
    """Return a function that runs Keras' fit on arrays in memory, for one epoch of `steps` batches."""
    built, loaded, x, y = arrays_of(recipe)
    network, size = compile_model(built, loaded), loaded.training.batch_size
    examples = np.arange(steps * size) % len(x)
    x, y = x[examples], y[examples]
    network.fit(x[: 2 * size], y[: 2 * size], batch_size=size, verbose=0)
    return lambda: network.fit(x, y, batch_size=size, verbose=0)


def function_variant(recipe, steps):
    """Return a hand-written loop: one tf.function with a gradient tape, batches sliced from tensors in memory."""
    built, loaded, x, y = arrays_of(recipe)
    network, size = compile_model(built, loaded), loaded.training.batch_size
    loss = built.task.loss_for(network)
    inputs, targets = tf.constant(x), tf.constant(y)
    network.optimizer.build(network.trainable_variables)

    @tf.function
    def run(count):
        for step in tf.range(count):
            start = (step * size) % (len(x) - size)
            with tf.GradientTape() as tape:
                value = loss(targets[start : start + size], network(inputs[start : start + size], training=True))
            gradients = tape.gradient(value, network.trainable_variables)
            network.optimizer.apply(gradients, network.trainable_variables)

    run(tf.constant(2))
    return lambda: run(tf.constant(steps))


def torch_variant(python, recipe, steps, precision):
    """Return a function that trains the same network in PyTorch, in a separate process that waits for commands."""
    program = Path(__file__).parent / "torch" / "training_speed.py"
    command = [python, str(program), recipe, str(steps), precision]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    child.stdout.readline()

    def run():
        child.stdin.write("go\n")
        child.stdin.flush()
        child.stdout.readline()

    return run


def main():
    """Print images per second and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="cifar_cnn")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--torch-python", help="an interpreter that has PyTorch")
    given = parser.parse_args()
    variants = {"dlkit, no augmentation": dlkit_variant(started(given.recipe, ["data.augment=[]"]), given.steps)}
    if load_recipe(given.recipe).recipe.data.augment:
        variants["dlkit"] = dlkit_variant(started(given.recipe), given.steps)
    variants["fit"] = fit_variant(given.recipe, given.steps)
    variants["tf.function"] = function_variant(given.recipe, given.steps)
    if given.torch_python:
        for precision in ("float32",):
            variants[f"torch {precision}"] = torch_variant(given.torch_python, given.recipe, given.steps, precision)
    times = {name: [] for name in variants}
    for _ in range(given.rounds):
        for name, run in variants.items():
            times[name].append(seconds(run))
    images = given.steps * load_recipe(given.recipe).recipe.training.batch_size
    base = statistics.median(times["dlkit, no augmentation"])
    for name, values in times.items():
        spread = f"{images / max(values):,.0f} to {images / min(values):,.0f}"
        median = statistics.median(values)
        print(f"{name:24} {images / median:9,.0f} images/s   ({spread})   {base / median:.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
