"""Compare training on sentences of different lengths: dlkit, padding everything to the longest, and Keras' fit.

    python benchmarks/text_speed.py [--recipe reviews_lstm] [--data FOLDER] [--epochs 1] [--rounds 5] [--limit N]

Three variants train the recipe's network with its batch size and optimizer on the same sentences. `dlkit`: batches of
similar length, padded to their own longest sentence. `longest`: the same pipeline and loop, with every sentence padded
to the longest of train. `fit`: what one writes by hand, TextVectorization in a tf.data pipeline, shuffled, in batches
that are padded to their longest sentence, and Model.fit. Rounds are interleaved, each is `--epochs` epochs after one
warm-up; medians are printed as sentences per second and as ratios.
"""

import argparse
import statistics

from dlkit.machine.tensorflow import start_tensorflow

start_tensorflow()

import keras
import numpy as np
import tensorflow as tf
from timing import seconds

from dlkit.data.words import words_report
from dlkit.interfaces.reporter import Reporter
from dlkit.model.compile import compile_model
from dlkit.recipe import load_recipe
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare


def own_variant(recipe, overrides, epochs):
    """Return a function that trains for some epochs with dlkit's pipeline and loop, and the number of sentences."""
    loaded = load_recipe(recipe, overrides)
    ready = prepare(loaded)
    training = Training(loaded.recipe, ready, Reporter())
    training.start()
    steps = training.steps.per_epoch * epochs
    stream = training.steps.stream(0, 10**9)
    training.steps.take(stream, training.steps.per_epoch)
    return lambda: training.steps.take(stream, steps), len(ready.splits.train) * epochs


def longest_of(recipe, overrides):
    """Return the override that pads every sentence to the longest of train."""
    loaded = load_recipe(recipe, overrides)
    ready = prepare(loaded)
    words = words_report(loaded.recipe.data, ready.built.description, {"train": ready.splits.train})
    longest = words["text"]["splits"]["train"]["words_per_text"]["longest"]
    return f"data.preprocess.0.TextVectorization.output_sequence_length={longest}"


def fit_variant(recipe, overrides, epochs):
    """Return a function that runs Keras' fit on a tf.data pipeline with TextVectorization."""
    loaded = load_recipe(recipe, overrides)
    ready = prepare(loaded)
    network = compile_model(ready.built, loaded.recipe)
    texts, labels = ready.splits.train.inputs[:], ready.splits.train.targets
    classes = keras.utils.to_categorical(labels, len(ready.built.class_names))
    vectorize = next(
        layer for layer in ready.built.preprocess.layers if isinstance(layer, keras.layers.TextVectorization)
    )
    batches = (
        tf.data.Dataset.from_tensor_slices((np.asarray(texts), classes))
        .shuffle(len(labels), seed=0)
        .batch(loaded.recipe.training.batch_size)
        .map(lambda x, y: (vectorize(x), y), num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )
    network.fit(batches, epochs=1, shuffle=False, verbose=0)
    return lambda: network.fit(batches, epochs=epochs, shuffle=False, verbose=0)


def main():
    """Print sentences per second and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="reviews_lstm")
    parser.add_argument("--data", default="reviews", help="the folder with rt-polarity.neg and rt-polarity.pos")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=int, help="this many sentences, for a trial")
    given = parser.parse_args()
    overrides = [f"data.source.text_lines.directory={given.data}"]
    overrides += [f"data.limit={given.limit}"] if given.limit else []
    run, count = own_variant(given.recipe, overrides, given.epochs)
    longest = [*overrides, longest_of(given.recipe, overrides)]
    variants = {"dlkit": run, "longest": own_variant(given.recipe, longest, given.epochs)[0]}
    variants["fit"] = fit_variant(given.recipe, overrides, given.epochs)
    times = {name: [] for name in variants}
    for _ in range(given.rounds):
        for name, function in variants.items():
            times[name].append(seconds(function))
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, median in medians.items():
        spread = f"{min(times[name]):.2f} to {max(times[name]):.2f} s"
        print(
            f"{name:<8} {count / median:8.0f} sentences/s, {median / medians['dlkit']:.2f} times dlkit's time, {spread}"
        )


if __name__ == "__main__":
    main()
