"""Measure what each choice contributes to a training step: python benchmarks/step_choices.py [rounds] [RECIPE].

Every choice runs in its own process, which takes steps of the recipe's network (default: cifar_cnn) on one batch. The
choices take turns in every round; medians are printed as examples per second and as a ratio to dlkit's own choices.
"""

import json
import os
import statistics
import subprocess
import sys

CHOICES = {
    "as dlkit trains": {},
    "Keras' own batch normalisation and Adam": {"plain": 1},
    "oneDNN off": {"TF_ENABLE_ONEDNN_OPTS": 0},
    "one thread": {"threads": 1},
    "one thread between operations": {"inter": 1},
    "XLA": {"xla": 1},
    "mixed_bfloat16": {"precision": "mixed_bfloat16"},
    "batch of 64": {"batch": 64},
    "batch of 256": {"batch": 256},
    "batch of 512": {"batch": 512},
}
PROGRAM = """
import json, sys, time
name, given = sys.argv[1], json.loads(sys.argv[2])
from dlkit.machine.tensorflow import start_tensorflow
start_tensorflow()
import tensorflow as tf
if "threads" in given:
    tf.config.threading.set_intra_op_parallelism_threads(given["threads"])
if "threads" in given or "inter" in given:
    tf.config.threading.set_inter_op_parallelism_threads(1)
from dlkit.model.build import build_model
from dlkit.model.compile import compile_model
from dlkit.data.source import build_dataset, describe
from dlkit.training.fused_kernels import use_fused_kernels
from dlkit.recipe import load_recipe
recipe = load_recipe(name, [f"training.precision={given.get('precision', 'float32')}"]).recipe
network = compile_model(build_model(recipe, describe(recipe, build_dataset(recipe))), recipe)
size = given.get("batch", recipe.training.batch_size)
x = tf.random.normal((size, *network.input_shape[1:]))
y = tf.one_hot(tf.random.uniform((size,), 0, network.output_shape[-1], tf.int32), network.output_shape[-1])
network.optimizer.build(network.trainable_variables)
network._symbolic_build(data_batch=(x, y))
if "plain" not in given:
    use_fused_kernels(network)
step = tf.function(network.train_step, jit_compile=bool(given.get("xla")), autograph=False)
step((x, y))
step((x, y))
started, count = time.perf_counter(), 0
while count < 3 or time.perf_counter() - started < 5:
    step((x, y))["loss"].numpy()
    count += 1
print(size * count / (time.perf_counter() - started))
"""


def rate(recipe, choice):
    """Return the examples per second of one process, or None where TensorFlow refuses the choice."""
    variables = {name: str(value) for name, value in choice.items() if name.isupper()}
    command = [sys.executable, "-c", PROGRAM, recipe, json.dumps(choice)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=180, env=os.environ | variables
        )
    except subprocess.TimeoutExpired:
        return None
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def main(rounds=3, recipe="cifar_cnn"):
    """Print medians and ratios."""
    found = {name: [] for name in CHOICES}
    for _ in range(int(rounds)):
        for name, choice in CHOICES.items():
            value = rate(recipe, choice)
            if value is not None:
                found[name].append(value)
    base = statistics.median(found["as dlkit trains"])
    for name, values in found.items():
        if not values:
            print(f"{name:42} did not finish")
            continue
        median = statistics.median(values)
        print(f"{name:42} {median:7,.0f} per second   {median / base:.2f}   ({min(values):,.0f} to {max(values):,.0f})")


if __name__ == "__main__":
    main(*sys.argv[1:])
