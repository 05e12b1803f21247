"""Run the crash test tests/training/test_crash.py with more kills: python benchmarks/crash.py [kills per recipe].

It trains, evaluates and exports three recipes without interruption and again with kills at random moments, compares
every history row, weight, optimizer value and figure, and checks for leftover files.
"""

import os
import subprocess
import sys
from pathlib import Path

TEST = Path(__file__).parents[1] / "tests" / "training" / "test_crash.py"


def main(kills="100"):
    """Run the test; return its exit code."""
    command = [sys.executable, "-m", "pytest", "-q", str(TEST)]
    return subprocess.run(command, env=os.environ | {"DLKIT_CRASH_KILLS": kills}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
