"""Compare transfer learning with training from scratch on few images: cats and horses of CIFAR-10, several seeds.

Run: dlkit train cifar_to_cifar_source, then: python benchmarks/transfer_learning.py SOURCE_RUN [FOLDER]

The recipes cifar_to_cifar_frozen, cifar_to_cifar and cifar_to_cifar_scratch learn from 50, 200 and 1,000 images that
the seed draws from the first 8,000 of both classes; the accuracy is measured on the other 2,000, which none of them
sees. Every result is a line of FOLDER/results.jsonl; existing results are not computed again.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

SIZES, SEEDS = {50: 30, 200: 20, 1000: 8}, range(5)  # pictures: epochs of a phase
RECIPES = ("cifar_to_cifar_frozen", "cifar_to_cifar", "cifar_to_cifar_scratch")
HELD = 2000


def examples():
    """Return all cats and horses of the train split."""
    import numpy as np

    from dlkit.data.source import build_dataset
    from dlkit.recipe import load_recipe

    split = build_dataset(load_recipe("cifar_to_cifar_scratch").recipe).load("train", None)
    return np.asarray(split.inputs), np.asarray(split.targets)


def accuracy(recipe, size, seed, folder, source, data):
    """Train on `size` images and return the accuracy on the held-out ones."""
    import numpy as np

    from dlkit.evaluation.evaluate import evaluate
    from dlkit.interfaces.reporter import Reporter
    from dlkit.model.trained import open_run
    from dlkit.recipe import load_recipe
    from dlkit.training.run import train_recipe

    inputs, targets = data
    draw = np.random.default_rng(seed)
    chosen = [draw.choice(np.flatnonzero(targets[:-HELD] == label), size // 2, replace=False) for label in (0, 1)]
    rows = np.sort(np.concatenate(chosen))
    np.savez(folder / "train.npz", x=inputs[rows], y=targets[rows])
    np.savez(folder / "test.npz", x=inputs[-HELD:], y=targets[-HELD:])
    settings = [f"data.source={{arrays: {{train: {folder}/train.npz, test: {folder}/test.npz, classes: 2}}}}"]
    settings += ["data.classes=null", "data.limit=null", "data.validation=none", f"training.seed={seed}"]
    settings += [f"training.epochs={SIZES[size]}"]
    settings += [f"model.pretrained.weights.run={source}"] * (recipe != "cifar_to_cifar_scratch")
    run = train_recipe(load_recipe(recipe, settings), folder, Reporter()).run
    return evaluate(open_run(run), "test")["accuracy"]


def main(source, place="transfer_learning"):
    """Compute the missing results, then print means and standard deviations."""
    from dlkit.machine.tensorflow import start_tensorflow

    start_tensorflow()
    log = Path(place) / "results.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    found = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    done = {(row["recipe"], row["size"], row["seed"]): row["accuracy"] for row in found}
    data = examples()
    for seed in SEEDS:
        for size in SIZES:
            for recipe in RECIPES:
                if (recipe, size, seed) not in done:
                    with tempfile.TemporaryDirectory() as folder:
                        value = accuracy(recipe, size, seed, Path(folder), Path(source).resolve(), data)
                    done[recipe, size, seed] = value
                    row = {"recipe": recipe, "size": size, "seed": seed, "accuracy": value}
                    with log.open("a") as stream:
                        print(json.dumps(row), file=stream)
                    print(row, flush=True)
    print("| recipe | " + " | ".join(f"{size} pictures" for size in SIZES) + " |")
    for recipe in RECIPES:
        values = [[done[recipe, size, seed] for seed in SEEDS] for size in SIZES]
        cells = [f"{statistics.mean(part):.3f} ± {statistics.stdev(part):.3f}" for part in values]
        print(f"| `{recipe}` | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(*sys.argv[1:])
