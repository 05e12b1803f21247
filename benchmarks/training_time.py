"""Compare the time of whole trainings: python benchmarks/training_time.py [BASE RECIPE ...] [--set KEY=VALUE].

Every recipe trains on some of its own batches (its pipeline, network and optimizer; no validation), in interleaved
rounds. A round gives the time of a step, times the steps of all epochs, as a ratio to that of the first recipe.
"""

import argparse
import statistics

from training_speed import dlkit_variant, seconds, started


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=["cifar_cnn", "cifar_cnn_fast", "cifar_94"])
    parser.add_argument("--images", type=int, default=4000, help="approximate number per round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    variants, shares = {}, {}
    for name in arguments.recipes:
        training = started(name, arguments.set)
        steps = max(arguments.images // training.recipe.training.batch_size, 1)
        variants[name] = dlkit_variant(training, steps)
        shares[name] = training.steps.per_epoch * sum(phase.epochs for phase in training.phases) / steps
    times = {name: [] for name in variants}
    for _ in range(arguments.rounds):
        for name, run in variants.items():
            times[name].append(seconds(run))
    base = arguments.recipes[0]
    for name, values in times.items():
        ratios = [shares[name] * a / (shares[base] * b) for a, b in zip(values, times[base], strict=True)]
        print(f"{name}: {statistics.median(ratios):.3g} of {base} ({min(ratios):.3g} to {max(ratios):.3g})", flush=True)


if __name__ == "__main__":
    main()
