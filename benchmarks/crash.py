"""The crash test of tests/training/test_crash.py with more kills: python benchmarks/crash.py [kills per recipe]

Three recipes, each trained, evaluated and exported undisturbed and once more with kills at random moments; the test
compares every history row, weight, optimizer value and figure, and looks for anything left over.
"""

import os
import subprocess
import sys
from pathlib import Path

TEST = Path(__file__).parents[1] / "tests" / "training" / "test_crash.py"


def main(kills="100"):
    """Run the test; its exit code is ours."""
    command = [sys.executable, "-m", "pytest", "-q", str(TEST)]
    return subprocess.run(command, env=os.environ | {"DLKIT_CRASH_KILLS": kills}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
