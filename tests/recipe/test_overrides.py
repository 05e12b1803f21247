"""--set KEY=VALUE on plain data."""

import pytest

from dlkit.errors import Location, RecipeError
from dlkit.recipe import load_recipe
from dlkit.recipe.overrides import apply_overrides
from dlkit.recipe.reader import parse

TEXT = "task: classification\ntraining: {epochs: 2}\nmodel: {sequential: {layers: [{Dense: {units: 3}}, Flatten]}}\n"


def overridden(*overrides):
    data, positions = parse(TEXT, "f.yaml")
    apply_overrides(data, positions, overrides)
    return data, positions


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("training.epochs=1", ("training", "epochs"), 1),
        ("training.shuffle=false", ("training", "shuffle"), False),
        ("training.precision = float64", ("training", "precision"), "float64"),
        ("data.limit=", ("data", "limit"), None),
        ("model.sequential.layers.0.Dense.units=8", ("model", "sequential", "layers", 0, "Dense", "units"), 8),
        ("model.sequential.layers.1=Dropout", ("model", "sequential", "layers", 1), "Dropout"),
        (
            "model.sequential.layers.1.Flatten.name=flat",
            ("model", "sequential", "layers", 1),
            {"Flatten": {"name": "flat"}},
        ),
        ("task.classification.loss=mse", ("task",), {"classification": {"loss": "mse"}}),
        ("task={regression: {loss: mse}}", ("task",), {"regression": {"loss": "mse"}}),
        ("expect.metrics.accuracy.at_least=1/2", ("expect",), {"metrics": {"accuracy": {"at_least": 0.5}}}),
    ],
)
def test_value(override, path, value):
    here, _ = overridden(override)
    for part in path:
        here = here[part]
    assert here == value


def test_later_overrides_win():
    assert overridden("training.epochs=5", "training={epochs: 1}", "training.epochs=7")[0]["training"] == {"epochs": 7}


def test_what_an_override_gives_is_located_at_it():
    _, positions = overridden("training.epochs=1", "expect.split=test")
    assert positions.value(("training", "epochs")) == Location("--set training.epochs=1")
    assert positions.key(("expect",)) == Location("--set expect.split=test")
    assert positions.key(("training",)) == Location("f.yaml", 2, 1)


@pytest.mark.parametrize("override", ["epochs", "=1", "training..epochs=1", "task.regression.loss=mse"])
def test_refused(override):
    with pytest.raises(RecipeError) as raised:
        overridden(override)
    assert raised.value.problems[0].location == Location(f"--set {override}")


@pytest.mark.parametrize(
    ("override", "message", "hint", "key"),
    [
        ("=1", "an override must be KEY=VALUE", "for example --set training.epochs=1", ""),
        (
            "task.regression.loss=mse",
            "task is 'classification' and has no key 'regression'",
            "override it as a whole",
            "task.regression",
        ),
        ("training.epochs.x=1", "training.epochs is 2 and has no keys", "override it as a whole", "training.epochs.x"),
        (
            "model.sequential.layers.7=1",
            "model.sequential.layers is a list of length 2 and has no entry 7",
            "allowed: 0 to 1",
            "model.sequential.layers.7",
        ),
        (
            "model.sequential.layers.2.Dense=1",
            "model.sequential.layers is a list of length 2 and has no entry 2",
            "allowed: 0 to 1",
            "model.sequential.layers.2",
        ),
        (
            "model.sequential.layers.x=1",
            "model.sequential.layers is a list of length 2 and has no entry 'x'",
            "allowed: 0 to 1",
            "model.sequential.layers.x",
        ),
        (
            "model.sequential.layers.0.Flatten.x=1",
            "model.sequential.layers.0 is Dense, not Flatten",
            'to replace it, write --set "model.sequential.layers.0={Flatten: {...}}"',
            "model.sequential.layers.0.Flatten",
        ),
        (
            "model.lenet5={}",
            "model is sequential, not lenet5",
            'to replace it, write --set "model={lenet5: {...}}"',
            "model.lenet5",
        ),
        (
            "model.sequential.layers.0.dense.units=3",
            "model.sequential.layers.0 is Dense, not dense",
            "did you mean Dense?",
            "model.sequential.layers.0.dense",
        ),
    ],
)
def test_the_message_says_what_is_there(override, message, hint, key):
    with pytest.raises(RecipeError) as raised:
        overridden(override)
    (problem,) = raised.value.problems
    assert (problem.message, problem.hint, problem.key) == (message, hint, key)


def test_an_empty_list_has_no_entries():
    with pytest.raises(RecipeError) as raised:
        overridden("model.sequential.layers=[]", "model.sequential.layers.0=Flatten")
    assert raised.value.problems[0].message == "model.sequential.layers is a list of length 0 and has no entry 0"
    assert raised.value.problems[0].hint == "the list is empty; override it as a whole"


def test_a_setting_of_another_optimizer_is_a_problem_of_the_override():
    override = "training.optimizer.SGD.learning_rate=0.1"
    with pytest.raises(RecipeError) as raised:
        load_recipe("digits_mlp", [override])
    (problem,) = raised.value.problems
    assert (problem.message, problem.location) == ("training.optimizer is Adam, not SGD", Location(f"--set {override}"))
