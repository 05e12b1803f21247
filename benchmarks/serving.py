"""Measure predictions: python benchmarks/serving.py [files].

First `dlkit predict` on a folder of images: total time, time of decoding alone and of the network alone. Then the
exported SavedModel compared with `model.predict` and `model(x)` at batch sizes 1 and 256: p50, p99 and images per
second.
"""

import sys
import tempfile
from pathlib import Path

from dlkit.machine.tensorflow import start_tensorflow

start_tensorflow()

import numpy as np
import tensorflow as tf
from memory import write_pictures
from timing import seconds

from dlkit.evaluation.inputs import named_examples
from dlkit.evaluation.predict import BATCH, predict
from dlkit.export.export import export
from dlkit.interfaces.reporter import Reporter
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.training.run import train_recipe

CALLS = {1: 300, 256: 20}


def split_of_time(trained, folder, count):
    """Print how much of predict's time is decoding, and how much is the network."""

    def decode():
        for _ in named_examples(trained, [folder]):
            pass

    run = tf.function(trained.built.predict, reduce_retracing=True)
    height, width = trained.built.resize.size
    batch = tf.zeros((BATCH, height, width, 3), tf.uint8)
    run(batch)
    whole = seconds(lambda: predict(trained, [folder]))
    decoding = seconds(decode)
    network = seconds(lambda: [run(batch) for _ in range(count // BATCH)])
    shares = f"decoding alone is {decoding / whole:.0%} of that time, the network alone {network / whole:.0%}"
    print(f"predict: {count:,} files, {count / whole:,.0f} per second; {shares}")


def latencies(trained, folder):
    """Print p50, p99 and images per second of the artefact and of the model that it was exported from."""
    artefact, _ = export(trained, "saved_model", folder)
    loaded = tf.saved_model.load(str(artefact))
    served, built = loaded.signatures["serving_default"], trained.built
    direct = tf.function(built.predict_raw, reduce_retracing=True)
    height, width = built.resize.size
    for size, calls in CALLS.items():
        raw = tf.cast(tf.random.uniform((size, height, width, 3), 0, 255), tf.uint8)
        inputs = built.preprocess(built.resize(raw))
        ways = {
            "SavedModel, raw input": lambda raw=raw: served(inputs=raw),
            "the run's model as a graph, raw input": lambda raw=raw: direct(raw),
            "model(x), preprocessed": lambda inputs=inputs: built.network(inputs, training=False),
            "model.predict(x), preprocessed": lambda inputs=inputs: built.network.predict(inputs, verbose=0),
        }
        times = {name: [] for name in ways}
        for _ in range(calls):
            for name, way in ways.items():
                times[name].append(seconds(way))
        for name, values in times.items():
            p50, p99 = np.percentile(values[2:], [50, 99])
            figures = f"p50 {1e3 * p50:8.2f} ms   p99 {1e3 * p99:8.2f} ms   {size / p50:8,.0f} images/s"
            print(f"batch {size:3}  {name:38} {figures}")


def main(count=10_000):
    """Train a small network on images, then measure."""
    with tempfile.TemporaryDirectory() as place:
        write_pictures(Path(place) / "pictures", count)
        write_pictures(Path(place) / "train", 200)
        overrides = [f"data.source.image_folder.directory={place}/train", "training.epochs=1"]
        run = train_recipe(load_recipe("image_folder_cnn", overrides), Path(place) / "runs", Reporter()).run
        trained = open_run(run)
        split_of_time(trained, Path(place) / "pictures", count)
        latencies(trained, Path(place) / "artefact")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
