"""Real data: TFDS_DATA_DIR holds MNIST and CIFAR-10 as tfds folders, DLKIT_SHARED the pictures."""

import json
import os
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
def as_json(dlkit, tmp_path, monkeypatch):
    """Run the command line, runs in this test's folder, and give the JSON that it prints."""
    monkeypatch.setenv("DLKIT_RUNS", str(tmp_path))

    def run(*arguments, settings=(), code=0):
        result = dlkit(*arguments, *(word for setting in settings for word in ("--set", setting)), "--json")
        assert result.code == code, result.error
        return json.loads(result.out)

    return run
