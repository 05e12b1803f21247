"""A small convolutional network, trained once for all pictures."""

from pathlib import Path

import pytest

RECIPE = Path(__file__).with_name("tiny_cnn.yaml")


@pytest.fixture(scope="session")
def tiny_run(places, silent):
    """A finished run of tiny_cnn on 400 digits."""
    from dlkit.recipe import load_recipe
    from dlkit.training.run import train_recipe

    return train_recipe(load_recipe(RECIPE), places / "runs", silent()).run


@pytest.fixture(scope="session")
def tiny(tiny_run):
    """That run, opened."""
    from dlkit.model.trained import open_run

    return open_run(tiny_run)


@pytest.fixture(scope="session")
def tiny_recipe():
    """The path of its recipe."""
    return RECIPE
