"""Class weights of classification: in the loss and not in the metrics, known to evaluate, and exactly resumed."""

import json

import keras
import numpy as np
import pytest

from dlkit.components.losses._class_weighted import ClassWeighted
from dlkit.components.metrics.balanced_accuracy import BalancedAccuracy
from dlkit.components.tasks.classification import Classification
from dlkit.errors import InputError
from dlkit.evaluation.evaluate import evaluate
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.training.balance import imbalance_warning
from dlkit.training.check import check_build
from dlkit.training.run import train_recipe

RECIPE = """
recipe: 1
name: rare
task: {{classification: {{class_weights: {weights}}}}}
data:
  source: {{arrays: {{train: {folder}/rows.npz, classes: 2}}}}
  validation: {{fraction: 0.25}}
model: {{sequential: {{layers: [{{Dense: {{units: {units}, activation: {activation}}}}}]}}}}
training: {{epochs: 1, batch_size: 8, optimizer: {{SGD: {{learning_rate: 0.1}}}}}}
"""


@pytest.fixture
def recipe(tmp_path):
    draws = np.random.default_rng(0)
    labels = np.arange(80) % 10 == 0
    x = (draws.normal(size=(80, 3)) + labels[:, np.newaxis]).astype(np.float32)
    np.savez(tmp_path / "rows.npz", x=x, y=labels.astype(int))

    def write(weights, units=2, activation="softmax"):
        text = RECIPE.format(weights=weights, folder=tmp_path, units=units, activation=activation)
        (tmp_path / "rare.yaml").write_text(text)
        return load_recipe(tmp_path / "rare.yaml")

    return write


@pytest.mark.parametrize("units", [1, 2])
def test_the_loss_is_the_mean_of_the_weighted_losses_of_the_examples(units):
    truth = np.array([0, 1, 1, 0])
    right = np.array([0.9, 0.6, 0.2, 0.5])  # the probability of the true class
    p1 = np.where(truth == 1, right, 1 - right)
    targets = truth[:, np.newaxis] if units == 1 else np.eye(2)[truth]
    outputs = p1[:, np.newaxis] if units == 1 else np.stack([1 - p1, p1], axis=1)
    kind = keras.losses.BinaryCrossentropy if units == 1 else keras.losses.CategoricalCrossentropy
    loss = ClassWeighted(kind(), [1, 3])
    expected = np.mean(np.where(truth == 1, 3, 1) * -np.log(right))
    assert float(loss(targets.astype("float32"), outputs.astype("float32"))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("given", "weights"), [([1, 4], [1, 4]), ({"rare": 4}, [1, 4]), ("balanced", [100 / 180, 100 / 20])]
)
def test_weights_are_a_list_a_mapping_by_name_or_balanced(given, weights):
    fitted = Classification(class_weights=given).fitted(("common", "rare"), (90, 10))
    assert fitted.class_weights == pytest.approx(weights)


@pytest.mark.parametrize(
    ("weights", "message"), [("[1, 2, 3]", "3 class weights for 2 classes"), ("{cat: 2}", "there is no class 'cat'")]
)
def test_weights_that_do_not_fit_the_classes_are_refused_at_their_line(recipe, weights, message):
    with pytest.raises(InputError, match=message) as caught:
        check_build(recipe(weights))
    assert caught.value.problems[0].location.line == 4


def test_balanced_weights_are_trained_with_recorded_and_evaluated_with(recipe, tmp_path, reporter):
    loaded = recipe("balanced")
    check_build(loaded)
    run = train_recipe(loaded, tmp_path / "runs", reporter).run
    assert json.loads((run.path / "data.json").read_text())["class_counts"] == [54, 6]
    trained = open_run(run)
    assert trained.built.task.class_weights == pytest.approx([60 / 108, 60 / 12])
    recorded = run.read_json("metrics.json")["training"]["metrics"]
    metrics = evaluate(trained, "validation")
    assert metrics["loss"] == pytest.approx(recorded["val_loss"], rel=1e-5)
    assert metrics["accuracy"] == pytest.approx(recorded["val_accuracy"])
    rows = (run.path / "per_class_validation.csv").read_text().splitlines()
    recalls = [float(row.split(",")[2]) for row in rows[1:]]
    assert metrics["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert 0 <= metrics["macro_f1"] <= 1


def test_balanced_accuracy_is_the_mean_recall():
    metric = BalancedAccuracy(classes=2)
    metric.update_state(np.eye(2)[[0, 0, 0, 1]], np.eye(2, dtype="float32")[[0, 0, 1, 0]])
    assert float(metric.result()) == pytest.approx((2 / 3 + 0) / 2)


def test_imbalanced_classes_that_only_accuracy_measures_are_named():
    names = ("common", "rare")
    warning = imbalance_warning(Classification(), names, (90, 10))
    assert "common has 90 examples of train, rare 10" in warning
    assert imbalance_warning(Classification(), names, (40, 10)) is None
    assert imbalance_warning(Classification(class_weights="balanced"), names, (90, 10)) is None
    assert imbalance_warning(Classification(metrics=[keras.metrics.AUC()]), names, (90, 10)) is None
