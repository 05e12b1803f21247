"""The grid of a sweep: how values are written, and what is refused before anything trains."""

import pytest

from dlkit.errors import InputError, RecipeError
from dlkit.recipe.grid import load_combinations, parse_grid
from dlkit.recipe.space import settings_of


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2,4", [1, 2, 4]),
        ("1e-3, 0.01", [0.001, 0.01]),
        ("relu,tanh", ["relu", "tanh"]),
        ("'a,b',c", ["a,b", "c"]),
        ("[3, 3],[5, 5]", [[3, 3], [5, 5]]),
        ("{Adam: {learning_rate: 0.1}}, SGD", [{"Adam": {"learning_rate": 0.1}}, "SGD"]),
        ("true,null", [True, None]),
        ("64", [64]),
        ("''", [""]),
    ],
)
def test_values_are_a_yaml_list_without_its_brackets(text, values):
    assert parse_grid([f"a.b={text}"]).values == {"a.b": values}


def test_combinations_are_all_of_them_and_the_last_key_changes_fastest():
    grid = parse_grid(["a=1,2", "b=x", "c=5,6"])
    assert grid.combinations == [
        {"a": 1, "b": "x", "c": 5},
        {"a": 1, "b": "x", "c": 6},
        {"a": 2, "b": "x", "c": 5},
        {"a": 2, "b": "x", "c": 6},
    ]
    assert settings_of(grid.combinations[0]) == ["a=1", 'b="x"', "c=5"]


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (["a"], "a setting must be KEY=VALUE,VALUE...", "for example --set training.batch_size=16,32"),
        (["=1,2"], "a setting must be KEY=VALUE,VALUE...", "for example"),
        (["a="], "a value is missing", "separate values with one comma"),
        (["a=1,2,"], "a value is missing", "separate values with one comma"),
        (["a=1,,2"], "", "quote values with special characters"),
        (["a=1],[2"], "", "quote values with special characters"),
        (["a={x: 1"], "", "quote values with special characters"),
        (["a=1,2,1"], "1 is given twice", "give each value once"),
        (["a=1", "a=2"], "a is given twice", "give all of its values in one --set"),
        (["training.seed=1,2"], "a sweep trains every combination with the same seeds", "give --seeds N"),
    ],
)
def test_what_is_not_a_list_of_values_is_an_error_at_its_option(options, message, hint):
    with pytest.raises(RecipeError) as caught:
        parse_grid(options)
    (problem,) = caught.value.problems
    assert problem.message.startswith(message)
    assert problem.hint.startswith(hint)
    assert problem.location.file == f"--set {options[-1]}"


def test_a_sweep_over_nothing_is_an_error():
    with pytest.raises(InputError, match="there is nothing to sweep over"):
        parse_grid([])


def test_all_impossible_values_and_typos_are_reported_at_once_and_once():
    grid = parse_grid(["training.batch_size=16,0,x", "training.epoch=1,2"])
    with pytest.raises(RecipeError) as caught:
        load_combinations("digits_mlp", grid)
    places = [problem.location.file for problem in caught.value.problems]
    assert places == [
        "--set training.epoch=1",
        "--set training.epoch=2",
        "--set training.batch_size=0",
        '--set training.batch_size="x"',
    ]


def test_what_only_a_combination_makes_impossible_names_it():
    grid = parse_grid(["data.validation={fold: 2}", "data.validation.of=2,3"])
    with pytest.raises(RecipeError) as caught:
        load_combinations("digits_mlp", grid)
    (problem,) = caught.value.problems
    assert problem.message.startswith('with data.validation={"fold": 2}, data.validation.of=2: fold starts at 0')


def test_every_combination_is_a_recipe_with_its_values():
    loaded = load_combinations("digits_mlp", parse_grid(["training.batch_size=16,32", "training.epochs=1"]))
    assert [(one.recipe.training.batch_size, one.recipe.training.epochs) for one in loaded] == [(16, 1), (32, 1)]
