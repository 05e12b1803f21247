"""Check whether two trainings are bit-identical, and the cost of --deterministic: python benchmarks/determinism.py.

Every row is a recipe, a number of threads, and --deterministic or not. Two processes stay alive for each and train in
turns on demand, so that other load on the machine affects all of them equally. Times exclude the first epoch.
"""

import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROUNDS = 5
THREADS = (1, 2)
MODES = ("default", "deterministic")
RECIPES = {"digits_mlp": ["training.epochs=60"], "digits_conv": []}
CONVOLUTION = """
recipe: 1
name: digits_conv
task: classification
data:
  source: digits
  limit: 600
  validation: {fraction: 0.1}
  augment: [{random_affine: {shift: 0.1, rotation: 0.05}}]
  preprocess: [{Rescaling: {scale: 1/255}}]
model:
  sequential:
    layers:
      - Conv2D: {filters: 16, kernel_size: 3, padding: same, activation: relu}
      - BatchNormalization
      - MaxPooling2D
      - Conv2D: {filters: 32, kernel_size: 3, padding: same, activation: relu}
      - Flatten
      - Dropout: {rate: 0.3}
      - Dense: {units: 10, activation: softmax}
training:
  batch_size: 50
  epochs: 5
  optimizer: {Adam: {learning_rate: 0.002}}
"""


def serve() -> None:
    """Train the recipe named by every line on stdin, as a child; print its seconds and a digest of its weights."""
    from dlkit.machine.tensorflow import start_tensorflow

    start_tensorflow()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # every training traces anew, which is meant here
    from dlkit.interfaces.reporter import Reporter
    from dlkit.model.compile import compile_model
    from dlkit.model.digest import weights_digest
    from dlkit.recipe import load_recipe
    from dlkit.runs.directory import create_run
    from dlkit.training.loop import Training
    from dlkit.training.prepare import prepare

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "digits_conv.yaml").write_text(CONVOLUTION)
        for line in sys.stdin:
            name = line.strip()
            source = name if name == "digits_mlp" else Path(folder) / f"{name}.yaml"
            recipe = load_recipe(source, RECIPES[name])
            ready = prepare(recipe)
            built = ready.built
            compile_model(built, recipe.recipe)
            run = create_run(Path(folder), name, lambda run: None)
            history = Training(recipe.recipe, ready, Reporter()).run_to_end(run)
            seconds = sum(row["seconds"] for row in history[1:])
            print(json.dumps({"seconds": seconds, "digest": weights_digest(built.network.variables)}), flush=True)


class Child:
    """A process that trains on demand under fixed conditions."""

    def __init__(self, threads: int, mode: str) -> None:
        names = os.environ | {"DLKIT_THREADS": str(threads), "DLKIT_DETERMINISTIC": str(int(mode == MODES[1]))}
        command = [sys.executable, __file__, "serve"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=names)

    def train(self, recipe: str) -> dict[str, Any]:
        """Return the seconds and digest of one training."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(recipe, file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def measure(recipe: str, pairs: dict[str, tuple[Child, Child]]) -> dict[str, dict[str, Any]]:
    """Return by mode the digests of the first process, that of the second, and the median seconds of the first."""
    answers: dict[str, list[dict[str, Any]]] = {mode: [] for mode in pairs}
    for _ in range(ROUNDS):
        for mode, (first, _) in pairs.items():
            answers[mode].append(first.train(recipe))
    found = {}
    for mode, (_, second) in pairs.items():
        digests = [answer["digest"] for answer in answers[mode]]
        seconds = statistics.median(answer["seconds"] for answer in answers[mode])
        found[mode] = {"digests": digests, "other": second.train(recipe)["digest"], "seconds": seconds}
    return found


def main() -> None:
    """Print a table of bit-identity and cost."""
    digests: dict[tuple[str, str], list[str]] = {}
    print(f"{ROUNDS} trainings of the first process, one of the second; seconds are medians")
    print(f"{'recipe':<12} {'threads':<8} {'mode':<14} {'same process':<13} {'two processes':<14} {'seconds':<8} ratio")
    for threads in THREADS:
        pairs = {mode: (Child(threads, mode), Child(threads, mode)) for mode in MODES}
        for recipe in RECIPES:
            rows = measure(recipe, pairs)
            for mode, row in rows.items():
                first = row["digests"]
                same, two = len(set(first)) == 1, {row["other"]} == set(first)
                ratio = row["seconds"] / rows[MODES[0]]["seconds"]
                print(f"{recipe:<12} {threads:<8} {mode:<14} {_yes(same):<13} {_yes(two):<14} {row['seconds']:<8.2f} "
                      f"{ratio:.2f}", flush=True)  # fmt: skip
                digests.setdefault((recipe, mode), []).append(first[0])
        for pair in pairs.values():
            for child in pair:
                child.close()
    for (recipe, mode), found in digests.items():
        print(f"{recipe}, {mode}: {THREADS[0]} and {THREADS[1]} threads bit-identical: {_yes(len(set(found)) == 1)}")


def _yes(value: bool) -> str:
    return "yes" if value else "no"


if __name__ == "__main__":
    serve() if "serve" in sys.argv else main()
