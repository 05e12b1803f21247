"""Kill trainings, evaluations and exports of ten recipes: python benchmarks/crash.py [kills per recipe] [seed].

Each recipe of tests/training/crash/recipes is run without interruption and again with kills at random moments; every
history row, weight, optimizer value and figure is compared. Prints one line a recipe; exit code 1 for a difference.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

CRASH = Path(__file__).parents[1] / "tests" / "training" / "crash"


def killed(recipe, kills, seed):
    """Return the harness' result for a recipe."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(CRASH / "harness.py"), str(recipe), folder, kills, seed]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{recipe.stem}: {done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main(kills="100", seed="11"):
    """Print the result of each recipe; return the exit code."""
    total, faults = 0, []
    for recipe in sorted((CRASH / "recipes").glob("*.yaml")):
        result = killed(recipe, kills, seed)
        total += result["kills"]
        found = result["differences"] + result["left_over"] + ([] if result["certificate"] else ["certificate"])
        faults += [f"{recipe.stem}: {fault}" for fault in found]
        print(f"{recipe.stem:<12} {result['kills']:>5} kills, {len(found)} faults", flush=True)
    print(f"{total} kills, {len(faults)} faults", *faults, sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
