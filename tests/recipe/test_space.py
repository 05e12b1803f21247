"""The search space is checked like a recipe, before anything trains."""

import pytest

from dlkit.errors import InputError, RecipeError
from dlkit.recipe import load_recipe
from dlkit.recipe.space import check_space, decoded, load_search

UNITS = "model.sequential.layers.0.Dense.units"


@pytest.fixture
def searched(tmp_path):
    """A function that reads a search from a text."""

    def read(text):
        path = tmp_path / "space.yaml"
        path.write_text(text)
        return load_search(path, load_recipe("digits_mlp"))

    return read


def problem(read, text):
    with pytest.raises(RecipeError) as refused:
        read(text)
    return refused.value.problems[0]


def test_values_of_every_kind(searched):
    found = searched(
        "trials: 3\nspace:\n"
        "  training.optimizer.Adam.learning_rate: {float: {low: 1e-4, high: 0.1, log: true}}\n"
        f"  {UNITS}: {{int: {{low: 8, high: 64, step: 8}}, also: [training.batch_size]}}\n"
        "  training.optimizer: {categorical: [SGD, {Adam: {learning_rate: 0.01}}]}\n"
    )
    extremes = [dimension.extremes for dimension in found.search.space.values()]
    assert extremes == [[1e-4, 0.1], [8, 64], ["SGD", {"Adam": {"learning_rate": 0.01}}]]
    assert [dimension.is_logarithmic for dimension in found.search.space.values()] == [True, False, False]
    parameters = decoded({UNITS: 16, "training.optimizer": '{"SGD": {}}'})
    assert found.settings(parameters) == [f"{UNITS}=16", "training.batch_size=16", 'training.optimizer={"SGD": {}}']


def test_a_recipe_can_hold_its_search(tmp_path):
    loaded = load_recipe("digits_mlp", ["search.space={training.epochs: {int: {low: 0, high: 2}}}"])
    found = load_search(None, loaded)
    with pytest.raises(RecipeError) as refused:
        list(check_space(loaded, found))
    assert refused.value.problems[0].key == "search.space.training.epochs"
    with pytest.raises(InputError, match="has no search"):
        load_search(None, load_recipe("digits_mlp"))


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("space: {}", "1:8", "space"),
        ("trial: 3\nspace: {a: {int: {low: 1, high: 2}}}", "1:1", "unknown key 'trial'"),
        ("space:\n  a: {int: {low: 1, hihg: 2}}", "2:3", "the key 'high' is missing"),
        ("space:\n  a: {int: {low: 3, high: 2}}", "2:6", "low is 3, above high, which is 2"),
        ("space:\n  a: {float: {low: 0, high: 2, log: true}}", "2:6", "log: true needs low above 0"),
        ("space:\n  a: {int: {low: 1.5, high: 2}}", "2:6", "1.5"),
        (
            "space:\n  a: {int: {low: 1, high: 2}, categorical: [1]}",
            "2:6",
            "expected one of float, int and categorical",
        ),
        ("space:\n  a: {categorical: []}", "2:20", "a"),
    ],
)
def test_mistakes_have_a_place(searched, text, place, message):
    found = problem(searched, text)
    assert str(found.location).endswith(f"space.yaml:{place}"), found
    assert message in str(found)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("training.optimizer.Adam.learning_rat: {float: {low: 0.1, high: 1}}", "learning_rate"),
        ("training.batch_size: {int: {low: 0, high: 8}}", "with 0: "),
        (f"{UNITS}: {{categorical: [8, many]}}", 'with "many": '),
        ("training.shuffle: {int: {low: 0, high: 1}}", "with 0: "),
        ("model.sequential.layers.9.Dense.units: {int: {low: 1, high: 2}}", "with 1: "),
    ],
)
def test_values_that_the_recipe_cannot_take(searched, line, message):
    found = searched(f"space:\n  training.epochs: {{int: {{low: 1, high: 2}}}}\n  {line}\n")
    with pytest.raises(RecipeError) as refused:
        list(check_space(load_recipe("digits_mlp"), found))
    (problem,) = refused.value.problems
    assert str(problem.location).endswith("space.yaml:3:3")
    assert message in f"{problem.message} {problem.hint}"


def test_kinds_of_values_are_suggested_as_they_are_written(searched):
    found = problem(searched, f"trials: 1\nspace:\n  {UNITS}: {{flaot: {{low: 1, high: 2}}}}\n")
    assert (found.key, found.location.line) == (f"space.{UNITS}.flaot", 3)
    assert found.hint == "did you mean 'float'? allowed: float, int, categorical, also"


def test_a_recipe_is_no_search(searched):
    with pytest.raises(InputError, match=r"space\.yaml is a recipe, not a search"):
        searched("recipe: 1\nname: a\n")
