"""What a recipe means where it says nothing."""

import pytest

from dlkit.errors import RecipeError
from dlkit.recipe import load_recipe
from dlkit.recipe.checks import check_recipe
from dlkit.recipe.reader import parse

SHORTEST = """
recipe: 1
name: net
task: classification
data: {source: digits}
model: {sequential: {layers: [Flatten]}}
training: {epochs: 3, optimizer: SGD}
"""


def assert_holds(found, expected):
    assert {key: found[key] for key in expected} == expected


def test_defaults():
    recipe = check_recipe(*parse(SHORTEST, "f"))
    plain = recipe.model_dump(exclude={"task": True, "model": True, "data": {"source"}, "training": {"optimizer"}})
    assert_holds(plain["data"], {"limit": None, "validation": "none", "resize": None, "augment": [], "preprocess": []})
    training = {
        "batch_size": 32,
        "epochs": 3,
        "seed": 0,
        "precision": "float32",
        "shuffle": True,
        "monitor": None,
        "callbacks": [],
        "snapshot": {"steps": None, "minutes": 1.0},
    }
    assert_holds(plain["training"], training)
    assert_holds(plain["expect"], {"parameters": None, "layers": None, "split": "test", "metrics": {}})


def test_defaults_of_sections():
    sections = ["data.resize={height: 2, width: 3}", "data.validation={split: test}"]
    recipe = load_recipe("digits_mlp", [*sections, "expect={parameters: {total: 1}, metrics: {accuracy: {}}}"]).recipe
    assert recipe.data.resize.model_dump() == {
        "height": 2,
        "width": 3,
        "interpolation": "bilinear",
        "crop_to_aspect_ratio": False,
        "antialias": False,
    }
    assert recipe.data.validation.model_dump() == {
        "fraction": None,
        "fold": None,
        "of": None,
        "split": "test",
        "seed": 0,
    }
    assert recipe.expect.parameters.model_dump() == {"total": 1, "trainable": None, "non_trainable": None}
    assert recipe.expect.metrics["accuracy"].model_dump() == {"at_least": None, "at_most": None, "lecture": None}


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ("{}", "give exactly one of fraction, fold (with of) and split"),
        ("{fraction: 0.1, fold: 0, of: 2}", "give exactly one of fraction, fold (with of) and split"),
        ("{fold: 1}", "fold and of must be given together, for example {fold: 0, of: 10}"),
        ("{fraction: 0.1, of: 3}", "fold and of must be given together, for example {fold: 0, of: 10}"),
        ("{fold: 3, of: 3}", "fold starts at 0, so with of: 3 it can be at most 2"),
        ("{fold: 0, of: 1}", "expected a number of at least 2, received 1"),
        ("{fold: -1, of: 3}", "expected a number of at least 0, received -1"),
    ],
)
def test_one_way_to_validate(validation, message):
    with pytest.raises(RecipeError) as raised:
        load_recipe("digits_mlp", [f"data.validation={validation}"])
    assert [problem.message for problem in raised.value.problems] == [message]
