"""data.classes: some classes of a source, numbered anew in the order of the recipe."""

import numpy as np
import pytest

from dlkit.data.source import build_dataset, describe
from dlkit.errors import InputError, RecipeError
from dlkit.recipe import load_recipe


def dataset(*classes):
    recipe = load_recipe("digits_mlp", [f"data.classes=[{', '.join(repr(name) for name in classes)}]"]).recipe
    return recipe, build_dataset(recipe)


def test_only_the_chosen_classes_remain_in_their_order():
    recipe, chosen = dataset("7", "2")
    whole = build_dataset(load_recipe("digits_mlp").recipe).load("train", None)
    split = chosen.load("train", None)
    assert describe(recipe, chosen).class_names == ("7", "2")
    rows = np.isin(whole.targets, (7, 2))
    np.testing.assert_array_equal(split.inputs, whole.inputs[rows])
    np.testing.assert_array_equal(split.targets, (whole.targets[rows] == 2).astype(np.int64))
    assert (chosen.seed, chosen.test_fraction) == (0, 0.2)  # what else the source offers is passed on


def test_a_class_that_the_data_has_not_is_named():
    recipe, chosen = dataset("7", "12")
    with pytest.raises(InputError, match="the data has no class '12'") as caught:
        describe(recipe, chosen)
    assert caught.value.problems[0].location.line


def test_one_class_is_no_choice():
    with pytest.raises(RecipeError, match="at least 2"):
        dataset("7")
