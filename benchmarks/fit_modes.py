"""Show why `fit` has two speeds: python benchmarks/fit_modes.py [rounds].

Each round trains one epoch of cifar_cnn's network with Keras' `fit` on arrays, and on a tf.data.Dataset with autotuning
on (the default) and off. It prints the time of the training itself and the time that `fit` takes after its last
callback, when it only has to release the iterator over the data.
"""

import sys
import time

from dlkit.machine.tensorflow import start_tensorflow

start_tensorflow()

import keras
import tensorflow as tf
from training_speed import arrays_of

from dlkit.model.compile import compile_model

STEPS, WAITED = 8, 0.5


class End(keras.callbacks.Callback):
    """Records when the training ended."""

    def on_train_end(self, logs=None):
        """Record the time."""
        self.at = time.perf_counter()


def main(rounds=10):
    """Print every round, and how often each variant waited."""
    built, recipe, x, y = arrays_of("cifar_cnn")
    network, size = compile_model(built, recipe), recipe.training.batch_size
    x, y = x[: STEPS * size], y[: STEPS * size]

    def dataset(tuned):
        options = tf.data.Options()
        options.autotune.enabled = tuned
        return tf.data.Dataset.from_tensor_slices((x, y)).batch(size).prefetch(2).with_options(options)

    ways = {
        "arrays": lambda **more: network.fit(x, y, batch_size=size, **more),
        "tuner on": lambda **more: network.fit(dataset(True), **more),
        "tuner off": lambda **more: network.fit(dataset(False), **more),
    }
    network.fit(x, y, batch_size=size, verbose=0)
    waits = {name: [] for name in ways}
    for _ in range(rounds):
        for name, fit in ways.items():
            end, began = End(), time.perf_counter()
            fit(verbose=0, callbacks=[end])
            waits[name].append(time.perf_counter() - end.at)
            print(f"{name:10} training {end.at - began:.2f} s, then {waits[name][-1]:.2f} s", flush=True)
    for name, values in waits.items():
        print(f"{name:10} waited more than {WAITED} s in {sum(value > WAITED for value in values)} of {rounds} rounds")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
