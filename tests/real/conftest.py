"""Real data: TFDS_DATA_DIR holds MNIST and CIFAR-10 as tfds folders, DLKIT_SHARED the pictures."""

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
