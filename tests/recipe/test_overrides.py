"""--set KEY=VALUE on plain data."""

import pytest

from dlkit.errors import Location, RecipeError
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
