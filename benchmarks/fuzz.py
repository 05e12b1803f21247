"""Run dlkit on mutated recipes, command lines, data, runs and artefacts: python benchmarks/fuzz.py [PART...].

Prints one line of counts per part (the names in COUNTS) and every violation; exits with 1 if there is one. A violation
is an exception other than DlkitError, an input that takes over 10 s, or a file in the wrong place.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fuzz"))

import campaigns

from dlkit.machine.tensorflow import start_tensorflow

COUNTS = {"recipes": 10_000, "command_lines": 100, "images": 2_000, "tables": 3_000, "arrays": 2_000}
COUNTS |= {"masks": 500, "folders": 500, "runs": 500, "artefacts": 2_000, "graphs": 500}
OF_A_RUN = ("runs", "artefacts", "graphs")


def trained_run(folder: Path) -> Path:
    """Return a run of digits_mlp to mutate."""
    from dlkit.interfaces.reporter import Reporter
    from dlkit.recipe import load_recipe
    from dlkit.training.run import train_recipe

    return train_recipe(load_recipe("digits_mlp", ["training.epochs=1"]), folder, Reporter()).run.path


def campaign(part: str, scratch: Path) -> Any:
    """Run one part with its full count."""
    if part not in ("recipes", "command_lines"):
        start_tensorflow()
    if part not in OF_A_RUN:
        return getattr(campaigns, part)(COUNTS[part], scratch)
    with tempfile.TemporaryDirectory() as runs:
        return getattr(campaigns, part)(COUNTS[part], trained_run(Path(runs)), scratch)


def main(parts: list[str]) -> int:
    """Run the named parts, or all; return 1 if there was a violation."""
    failed = False
    for part in parts or list(COUNTS):
        with tempfile.TemporaryDirectory() as scratch:
            result = campaign(part, Path(scratch))
        print(result.line(part), flush=True)
        failed = failed or bool(result.violations)
        for violation in result.violations:
            print(f"  {violation}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
