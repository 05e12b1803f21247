"""A last layer that inverts their normalization scales the targets: the loss has no unit, all else has the data's."""

import keras
import numpy as np
import pytest

from dlkit.components.losses._on_normalized import OnNormalized, inverts
from dlkit.data.source import build_dataset, describe
from dlkit.errors import InputError
from dlkit.evaluation.evaluate import evaluate
from dlkit.model.build import build_model
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.training.run import train_recipe

ROWS = [[x, 1000 * x + 5e4] for x in np.linspace(-1, 1, 40)]
RECIPE = """
recipe: 1
name: units
task: {task}
data: {{source: {{inline: {{rows: {rows}{classes}}}}}}}
model:
  sequential:
    layers:
      - Dense: {{units: 1}}
      - Normalization: {{invert: true}}{more}
training: {{epochs: 20, batch_size: 8, optimizer: {{SGD: {{learning_rate: 0.05}}}}}}
"""


def recipe(folder, **values):
    plain = {"task": "regression", "rows": [[float(v) for v in row] for row in ROWS], "classes": "", "more": ""}
    (folder / "r.yaml").write_text(RECIPE.format(**(plain | values)))
    return load_recipe(str(folder / "r.yaml"))


def test_loss_by_hand():
    layer = keras.layers.Normalization(invert=True)
    layer.adapt(np.array([[10.0], [30.0]]))
    assert inverts(layer)
    assert not inverts(keras.layers.Normalization())
    loss = OnNormalized("mean_squared_error", layer)
    np.testing.assert_allclose(loss(np.array([[10.0], [20.0]]), np.array([[30.0], [20.0]])), (2**2 + 0) / 2)
    np.testing.assert_allclose(layer(np.array([[-1.0], [2.0]])), [[10], [40]])


def test_plain_gradient_descent_learns_large_values(tmp_path, silent):
    run = train_recipe(recipe(tmp_path), tmp_path / "runs", silent()).run
    trained = open_run(run)
    metrics = evaluate(trained, "train")
    values = np.asarray([[row[1]] for row in ROWS])
    np.testing.assert_allclose(trained.built.network.layers[-1].mean, [[values.mean()]], rtol=1e-6)
    answers = np.asarray(trained.built.predict_raw(np.asarray([[row[0]] for row in ROWS]))["values"])
    assert metrics["mae"] == pytest.approx(np.abs(answers - values).mean(), rel=1e-3, abs=0.01)
    assert metrics["loss"] == pytest.approx(((answers - values) ** 2).mean() / values.var(), rel=1e-2, abs=1e-6)
    assert metrics["mae"] < 0.1 * values.std()


@pytest.mark.parametrize(
    "values",
    [
        {"more": "\n      - Dense: {units: 1}"},
        {"task": "classification", "classes": ", classes: 2", "rows": [[0, 0], [1, 1]]},
    ],
)
def test_refused_where_no_output_has_the_units_of_targets(tmp_path, values):
    loaded = recipe(tmp_path, **values)
    with pytest.raises(InputError, match="Normalization with invert: true gives the units") as caught:
        build_model(loaded.recipe, describe(loaded.recipe, build_dataset(loaded.recipe)))
    assert caught.value.problems[0].location.line == 10
