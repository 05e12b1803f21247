"""Run thirty trainings with `dlkit repeat`, to check that memory stays constant and no process or file is left behind.

python benchmarks/repeat_memory.py [SEEDS]
"""

import os
import sys
import tempfile
from pathlib import Path

import psutil

from dlkit.experiments.repeat import Repeated, repeat
from dlkit.runs.directory import list_runs

OVERRIDES = ("training.epochs=2",)
FLAT = 0.05
EXPECTED = {"history.csv", "last.keras", "metrics.json", "recipe.yaml", "resolved.yaml", "data.json"}


def main(seeds: int = 30) -> int:
    """Measure after every seed, then look for leftovers; return 1 if there are any."""
    this, sizes = psutil.Process(), []
    files_before = this.num_fds()

    def measure(entry: dict) -> None:
        sizes.append(this.memory_info().rss)
        print(f"seed {entry['seed']}: {sizes[-1] / 1e6:.1f} MB  {entry.get('failed', '')}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        temporary, root = Path(folder, "temporary"), Path(folder, "runs")
        temporary.mkdir()
        os.environ["TMPDIR"] = str(temporary)  # the children's own
        result = repeat(Repeated("digits_mlp", OVERRIDES, root), range(seeds), measure)
        failed = [entry for entry in result["seeds"] if "failed" in entry]
        runs = list_runs(root)
        complete = [run for run in runs if {path.name for path in run.iterdir()} >= EXPECTED]
        left = [*temporary.iterdir(), *(path for path in root.rglob(".*") if path.name != ".lock")]
    spread = max(sizes) / min(sizes) - 1
    children, opened = len(this.children(recursive=True)), this.num_fds() - files_before
    print(f"{seeds} seeds, {len(failed)} failed, {len(complete)} complete runs")
    print(f"parent's memory {min(sizes) / 1e6:.1f} to {max(sizes) / 1e6:.1f} MB: {100 * spread:.2f} % (at most 5)")
    print(f"left: {children} processes, {opened} open files, {len(left)} files {[str(path) for path in left][:5]}")
    return int(bool(failed or left or children or opened or spread > FLAT or len(complete) != seeds))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
