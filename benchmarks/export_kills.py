"""Kill exports at random moments, in every format: python benchmarks/export_kills.py RUN [KILLS]    (5 by default)

After every kill, no version may be there that does not verify; a last, undisturbed export must leave no temporary file.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def export(run, format_name, folder, seconds=None):
    """Export in a child, and kill it and its children after so many seconds; return its exit code."""
    words = ["export", run, "--format", format_name, "--output", str(folder), "--rounds", "0", "--examples", "10"]
    child = subprocess.Popen(
        [sys.executable, "-m", "dlkit", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        return child.wait()


def complete(version):
    """Whether a version's folder has all files that its certificate lists, unchanged."""
    from dlkit.export.stored import changed_files

    certificate = json.loads((version / "certificate.json").read_text())
    return certificate["passed"] and not changed_files(version, certificate["files"])


def main(run, kills="5"):
    """Kill and check every format; print one line each, and exit with 1 when something is half-written."""
    from dlkit.catalog.find import names

    rng, wrong = random.Random(0), 0
    for format_name in names("exporter"):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "out"
            started = time.monotonic()
            code = export(run, format_name, folder)
            whole, killed = time.monotonic() - started, 0
            for _ in range(int(kills)):
                killed += export(run, format_name, folder, rng.uniform(0.2, 1.0) * whole) == -signal.SIGKILL
            versions = [path for path in folder.glob("*/*") if path.name.isdigit()]
            good = code == 0 and all(complete(version) for version in versions)
            last = export(run, format_name, folder)
            left = [path for path in folder.glob("*/*") if not path.name.isdigit()]
            good = good and last == 0 and not left
            wrong += not good
            print(
                f"{format_name:15} {killed} killed, {len(versions)} complete versions, {len(left)} left: {good}",
                flush=True,
            )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
