"""Time of whole trainings as a ratio: python benchmarks/training_time.py BASE RECIPE [RECIPE ...] [--set KEY=VALUE].

Every recipe trains some of its own batches (its pipeline, network and optimizer; no validation) in rounds that take
turns. The median time of an example, times the examples of an epoch, times the epochs, is divided by the base's.
"""

import argparse
import statistics
import time

from dlkit.tensorflow_start import start_tensorflow

start_tensorflow()

from dlkit.recipe import load_recipe
from dlkit.training import Silent, Training
from dlkit.training_run import prepare


def started(recipe, overrides, images):
    """A function that trains about `images` examples and gives the time of one, and the examples of a training."""
    loaded = load_recipe(recipe, overrides)
    training = Training(loaded.recipe, *prepare(loaded), Silent())
    training.start()
    stream, size = training.stream(0, 10**9), loaded.recipe.training.batch_size
    steps = max(images // size, 1)
    training.one_step(stream, 2)

    def example_time():
        start = time.perf_counter()
        training.one_step(stream, steps)
        return (time.perf_counter() - start) / (steps * size)

    return example_time, len(training.splits.train) * sum(phase.epochs for phase in training.phases)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=["cifar_cnn", "cifar_cnn_fast", "cifar_94"])
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    variants = {name: started(name, arguments.set, arguments.images) for name in arguments.recipes}
    times = {name: [] for name in variants}
    for _ in range(arguments.rounds):
        for name, (example_time, _) in variants.items():
            times[name].append(example_time())
    whole = {name: statistics.median(times[name]) * examples for name, (_, examples) in variants.items()}
    base = arguments.recipes[0]
    for name, (_, examples) in variants.items():
        each = statistics.median(times[name]) / statistics.median(times[base])
        print(f"{name}: {whole[name] / whole[base]:.3g} of {base} ({examples:,} examples, {each:.3g} each)", flush=True)


if __name__ == "__main__":
    main()
