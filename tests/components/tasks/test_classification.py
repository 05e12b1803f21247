"""Classification: metrics see probabilities, whatever the network ends in, and no name stands for two things."""

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dlkit.components.tasks.classification import Classification
from dlkit.data.source import describe
from dlkit.errors import InputError, RecipeError
from dlkit.interfaces.data import ArraySpec, Description
from dlkit.recipe import load_recipe
from dlkit.training.check import check_build, check_metric_names

RNG = np.random.default_rng(0)
TARGETS = RNG.integers(0, 2, 400)
LOGITS = (RNG.normal(size=(400, 1)) + 1.5 * TARGETS[:, np.newaxis]).astype(np.float32)


def measured(units, metric, from_logits):
    """What a metric of a recipe says of logits, or of the probabilities that they stand for."""
    logits = LOGITS if units == 1 else np.concatenate([-LOGITS / 2, LOGITS / 2], axis=1)
    outputs = logits if from_logits else np.asarray(Classification(loss=_loss(units)).outputs(logits)["probabilities"])
    outputs = outputs[:, 1:] if units == 1 and not from_logits else outputs
    inputs = keras.Input((units,))
    network = keras.Model(inputs, keras.layers.Identity()(inputs))
    task = Classification(loss=_loss(units) if from_logits else None, metrics=[metric])
    for _ in range(2):  # a network is compiled for every phase
        found = task.metrics_for(network)[-1]
    targets = np.asarray(task.prepare_targets(TARGETS, None, network))
    found.update_state(targets, outputs)
    return float(found.result())


def _loss(units):
    return (keras.losses.BinaryCrossentropy if units == 1 else keras.losses.CategoricalCrossentropy)(from_logits=True)


@pytest.mark.parametrize("units", [1, 2])
@pytest.mark.parametrize("from_logits", [True, False])
def test_metrics_see_probabilities(units, from_logits):
    right = roc_auc_score(TARGETS, LOGITS[:, 0])
    if units == 2:  # Keras pools the classes
        right = roc_auc_score(np.eye(2)[TARGETS].ravel(), np.concatenate([-LOGITS, LOGITS], axis=1).ravel())
    assert measured(units, keras.metrics.AUC(num_thresholds=2000), from_logits) == pytest.approx(right, abs=0.003)
    predicted = LOGITS[:, 0] > 0
    recall = (predicted & (TARGETS == 1)).sum() / (TARGETS == 1).sum()
    metric = keras.metrics.Recall(class_id=None if units == 1 else 1)
    assert measured(units, metric, from_logits) == pytest.approx(recall, abs=1e-6)


def test_a_metric_that_takes_logits_gets_them():
    plain = measured(1, keras.metrics.BinaryCrossentropy(), from_logits=True)
    own = measured(1, keras.metrics.BinaryCrossentropy(from_logits=True), from_logits=True)
    assert own == pytest.approx(plain, rel=1e-4)


@pytest.mark.parametrize("name", ["loss", "accuracy"])
def test_a_name_that_is_taken_is_refused(name):
    inputs = keras.Input((4,))
    network = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(inputs))
    with pytest.raises(InputError, match=f"two losses or metrics have the name '{name}'"):
        check_metric_names(Classification(metrics=[keras.metrics.AUC(name=name)]), network, "classification")
    many = {"output": network.output, "other": network.output}
    with pytest.raises(InputError, match="two losses or metrics have the name 'other_loss'"):
        check_metric_names(
            Classification(metrics=[keras.metrics.AUC(name="other_loss")]), keras.Model(inputs, many), "classification"
        )


def test_the_recipe_says_where_the_name_is_taken():
    overrides = ["task={classification: {metrics: [{AUC: {name: loss}}]}}"]
    with pytest.raises(InputError, match="two losses or metrics have the name 'loss'") as caught:
        check_build(load_recipe("digits_mlp", overrides))
    assert caught.value.problems[0].key == "task.classification.metrics"
    assert caught.value.problems[0].location is not None


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("cat", "dog", "cat"), "two classes have the name 'cat'"),
        (("caf\u00e9", "cafe\u0301"), r"the classes 'caf\\xe9' and 'cafe\\u0301' mean the same"),
        (("a b", "a  b"), "the classes 'a b' and 'a  b' mean the same"),
        (("1", "1.0"), "the classes '1' and '1.0' mean the same"),
    ],
)
def test_two_classes_of_one_name_are_refused(names, message):
    class Twice:
        def describe(self):
            return Description(ArraySpec((2,), "float32"), ArraySpec((), "int64"), names)

    recipe = load_recipe("digits_mlp").recipe
    with pytest.raises(InputError, match=message) as caught:
        describe(recipe, Twice())
    assert caught.value.problems[0].location == recipe.data.source.location


@pytest.mark.parametrize("rate", ["-0.1", "-1"])
def test_a_negative_learning_rate_is_refused(rate):
    with pytest.raises(RecipeError, match=r"learning_rate is -[\d.]+, below 0"):
        load_recipe("digits_mlp", [f"training.optimizer={{Adam: {{learning_rate: {rate}}}}}"])
