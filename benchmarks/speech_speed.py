"""Compare training on recordings with a plain Keras fit, and measure the real-time factor of predict and of an export.

    taskset -c 0 python benchmarks/speech_speed.py --data FOLDER [--epochs 1] [--rounds 5] [--limit N]

FOLDER: the recordings of deepspeech_mini, with train/ and test/. Training: `dlkit` and `fit`, which trains the same
compiled network, unaugmented, on what one writes by hand: recordings shuffled in tf.data, padded to the longest of each
batch, preprocessed, Model.fit. Rounds are interleaved, each is `--epochs` epochs after one warm-up. Real-time factors
are seconds of computing per second of sound: `predict` of 50 files in one call, which builds its graph once, and
`exported` from WAV bytes, one recording at a time.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from dlkit.machine.tensorflow import start_tensorflow

start_tensorflow()

import numpy as np
import tensorflow as tf
from timing import seconds

from dlkit.evaluation.predict import predict
from dlkit.export.export import export
from dlkit.interfaces.reporter import Reporter
from dlkit.model.compile import compile_model
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare
from dlkit.training.run import train_recipe

FILES = 50


def own_variant(loaded, epochs):
    """Return a function that trains for some epochs with dlkit's pipeline and loop, and the number of recordings."""
    ready = prepare(loaded)
    training = Training(loaded.recipe, ready, Reporter())
    training.start()
    stream = training.steps.stream(0, 10**9)
    training.steps.take(stream, training.steps.per_epoch)
    return lambda: training.steps.take(stream, training.steps.per_epoch * epochs), len(ready.splits.train) * epochs


def fit_variant(loaded, epochs):
    """Return a function that runs Keras' fit on recordings in tf.data."""
    ready = prepare(loaded)
    network, train = compile_model(ready.built, loaded.recipe), ready.splits.train

    def examples():
        for index in range(len(train)):
            yield train.inputs[index], train.targets[index]

    spec = (tf.TensorSpec([None], tf.float32), tf.TensorSpec([None], tf.int32))
    batches = (
        tf.data.Dataset.from_generator(examples, output_signature=spec)
        .cache()
        .shuffle(len(train), seed=0)
        .padded_batch(loaded.recipe.training.batch_size, padding_values=(np.float32("nan"), np.int32(-1)))
        .map(lambda x, y: (ready.built.preprocess(x), y), num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )
    network.fit(batches, epochs=1, verbose=0)
    return lambda: network.fit(batches, epochs=epochs, verbose=0)


def heard_variants(loaded, folder, files):
    """Return functions that transcribe files one by one, with a run and with its export."""
    trained = open_run(train_recipe(loaded, Path(folder), Reporter()).run)
    artefact, _ = export(trained, "saved_model", Path(folder) / "export")
    served = tf.saved_model.load(str(artefact)).signatures["serve_encoded"]

    def exported():
        for file in files:
            served(encoded=tf.constant([file.read_bytes()]))["text"].numpy()

    predict(trained, files[:2])
    exported()
    return {"predict": lambda: predict(trained, files), "exported": exported}


def medians(variants, rounds):
    """Return the median seconds of each variant over interleaved rounds."""
    times = {name: [] for name in variants}
    for _ in range(rounds):
        for name, function in variants.items():
            times[name].append(seconds(function))
    return {name: statistics.median(found) for name, found in times.items()}


def main():
    """Print recordings per second, the ratio, and real-time factors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=int, help="this many recordings, for a trial")
    given = parser.parse_args()
    settings = [f"data.source.audio_folder.directory={given.data}", "data.augment=[]"]
    settings += [f"data.limit={given.limit}"] if given.limit else []
    loaded = load_recipe("deepspeech_mini", settings)
    run, count = own_variant(loaded, given.epochs)
    found = medians({"dlkit": run, "fit": fit_variant(loaded, given.epochs)}, given.rounds)
    for name, median in found.items():
        print(f"{name:<8} {count / median:8.1f} recordings/s")
    print(f"ratio    {found['fit'] / found['dlkit']:8.2f} (fit's time by dlkit's)")
    files = sorted(given.data.glob("test/*.wav"))[:FILES]
    sound = sum(len(tf.audio.decode_wav(file.read_bytes())[0]) for file in files) / 8000
    with tempfile.TemporaryDirectory() as folder:
        short = load_recipe("deepspeech_mini", [*settings, "training.epochs=1", "data.limit=200"])
        for name, median in medians(heard_variants(short, folder, files), given.rounds).items():
            print(f"{name:<8} real-time factor {median / sound:.4f}")


if __name__ == "__main__":
    main()
