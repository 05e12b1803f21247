"""Killed at random moments, at any stage, again and again: what comes out is bit for bit what an undisturbed run gives.

A parent that has TensorFlow imported, but has not used it yet, forks a child for every attempt. The child works on a
command until it is done, or until it is killed (SIGKILL, or SIGTERM now and then) after a random time.
benchmarks/crash.py does it with ten recipes and as many kills as wanted.
"""

import json
import subprocess
import sys
from pathlib import Path

KILLS = 2
HARNESS = Path(__file__).parent / "crash" / "harness.py"
RECIPES = Path(__file__).parent / "crash" / "recipes"


def test_killed_runs_end_as_undisturbed_ones(tmp_path):
    """The recipe with augmentation, batch normalisation, dropout and a callback with state, in few epochs."""
    recipe = tmp_path / "cnn.yaml"
    recipe.write_text((RECIPES / "cnn.yaml").read_text().replace("epochs: 12", "epochs: 5"))
    command = [sys.executable, str(HARNESS), str(recipe), str(tmp_path / "runs"), str(KILLS), "11"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1100)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["kills"] >= KILLS
    assert result["differences"] == []
    assert result["left_over"] == []
    assert result["certificate"] is True
