"""Real data: TFDS_DATA_DIR holds MNIST and CIFAR-10 as tfds folders, DLKIT_SHARED the pictures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items):
    """Everything in this folder carries the marker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def photos():
    """Ants and bees, in train and val folders."""
    return Path(os.environ["DLKIT_SHARED"]) / "data" / "hymenoptera"


@pytest.fixture
def dlkit(tmp_path):
    """Run the command line in a process of its own, runs in this test's folder, and give the JSON that it prints."""

    def run(*arguments, settings=(), code=0):
        words = [*map(str, arguments), *(word for setting in settings for word in ("--set", setting)), "--json"]
        environment = os.environ | {"DLKIT_RUNS": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-m", "dlkit", *words], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    return run
