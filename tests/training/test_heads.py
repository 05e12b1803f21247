"""Heads, losses and metrics: what cannot work is refused before training, and all the rest trains and evaluates."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.catalog.create import Component, create
from dlkit.catalog.find import class_of, identifiers, names, source
from dlkit.catalog.signatures import REQUIRED
from dlkit.components.tasks.autoencoding import Autoencoding
from dlkit.components.tasks.classification import Classification
from dlkit.components.tasks.regression import Regression
from dlkit.components.tasks.segmentation import Segmentation
from dlkit.errors import InputError
from dlkit.model.compile import compile_for
from dlkit.recipe import load_recipe
from dlkit.training.check import check_build
from dlkit.training.judges import check_loss, check_metric

RNG = np.random.default_rng(0)
NEEDED = {"num_classes": 3, "target_class_ids": [0]}  # the other required settings are shares
TASKS = {
    "classification": (Classification, (3,), "softmax"),
    "one unit": (Classification, (1,), "sigmoid"),
    "segmentation": (Segmentation, (4, 4, 3), "softmax"),
    "one channel": (Segmentation, (4, 4, 1), "sigmoid"),
    "regression": (Regression, (2,), "linear"),
    "autoencoding": (Autoencoding, (6,), "sigmoid"),
}


def judges(namespace):
    """Every loss or metric of the catalogue, with the settings that it cannot do without."""
    for name in names(namespace):
        needed = [key for key, value in source(namespace, name).parameters.items() if value.default is REQUIRED]
        yield name, create(Component(namespace, name, {key: NEEDED.get(key, 0.5) for key in needed}))


def batch(kind, shape, activation):
    """A network that ends as a task's does, and a batch of inputs, targets and outputs for it."""
    inputs = keras.Input((*shape[:-1], 6))
    network = keras.Model(inputs, keras.layers.Dense(shape[-1], activation=activation)(inputs))
    x = RNG.uniform(size=(6, *shape[:-1], 6)).astype(np.float32)
    if kind in (Classification, Segmentation):
        raw = RNG.integers(0, max(2, shape[-1]), (6, *shape[:-1]))
        raw.flat[: max(2, shape[-1])] = range(max(2, shape[-1]))
    else:
        raw = RNG.uniform(size=(6, *shape)).astype(np.float32)
    y = np.asarray(kind().prepare_targets(raw, x, network))
    return network, x, y, np.asarray(network(x))


def refusal(check, task, judge, *values):
    """The message with which a loss or metric is refused, or None."""
    try:
        check(task, judge, *values)
    except InputError as error:
        return error.problems[0].message if error.problems[0].hint else None
    return None


@pytest.mark.parametrize("name", TASKS)
def test_every_metric_of_the_catalogue_is_refused_or_measures_in_training_and_evaluation(name):
    kind, shape, activation = TASKS[name]
    network, x, y, outputs = batch(kind, shape, activation)
    found = {metric: (judge, refusal(check_metric, kind(), judge, y, outputs)) for metric, judge in judges("metric")}
    accepted = [judge for judge, message in found.values() if message is None]
    compile_for(network, kind(metrics=accepted), keras.optimizers.SGD(0.01))
    network.run_eagerly = True  # a graph of all metrics takes seconds to build
    network.fit(x, y, batch_size=4, verbose=0)
    measured = network.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)
    assert {judge.name for judge in accepted} <= measured.keys()
    assert all(np.isfinite(value) and np.shape(value) == () for value in measured.values())
    refused = {metric for metric, (_, message) in found.items() if message is not None}
    assert {"Mean", "Sum", "SparseCategoricalAccuracy", "Accuracy", "MeanIoU"} <= refused
    assert ("CategoricalAccuracy" in refused) == (name not in ("classification", "segmentation"))
    assert ("AUC" in refused) == (kind in (Regression, Autoencoding))
    assert not {"MeanSquaredError", "MeanAbsoluteError"} & refused


@pytest.mark.parametrize("name", TASKS)
def test_every_loss_of_the_catalogue_is_refused_or_gives_a_finite_gradient(name):
    kind, shape, activation = TASKS[name]
    network, x, y, outputs = batch(kind, shape, activation)
    refused = set()
    for title, loss in judges("loss"):
        if refusal(check_loss, kind(), loss, y, outputs, activation) is not None:
            refused.add(title)
            continue
        losses = [loss]

        @tf.function(input_signature=[tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in (x, y)])
        def step(x, y, losses=losses):
            with tf.GradientTape() as tape:
                value = losses[0](y, network(x))
            return value, tape.gradient(value, network.trainable_variables)

        value, gradients = step(x, y)
        assert np.isfinite(value), title
        assert any(np.any(gradient) for gradient in gradients), title
        assert all(np.isfinite(gradient).all() for gradient in gradients), title
    assert {"SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy", "CTC", "Circle"} <= refused
    assert ("CategoricalCrossentropy" in refused) == (name not in ("classification", "segmentation"))
    assert ("BinaryCrossentropy" in refused) == (name == "regression")
    assert "MeanSquaredError" not in refused


HEAD = "model.sequential.layers.2.Dense.units"
ACTIVATION = "model.sequential.layers.2.Dense.activation"
BINARY = "data.classes=['0', '1']"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([BINARY, f"{HEAD}=1", f"{ACTIVATION}=softmax"], "softmax over one unit is always 1"),
        ([BINARY, f"{HEAD}=1", f"{ACTIVATION}=linear"], "ends in no activation, but the loss takes probabilities"),
        ([f"{ACTIVATION}=linear"], "ends in no activation, but the loss takes probabilities that sum to 1"),
        ([f"{ACTIVATION}=relu"], "ends in activation relu, but"),
        ([f"{ACTIVATION}=sigmoid"], "ends in activation sigmoid, but"),
        (
            ["task={classification: {loss: {CategoricalCrossentropy: {from_logits: true}}}}"],
            "the loss takes logits, but softmax makes them probabilities",
        ),
        (
            [BINARY, f"{HEAD}=1", f"{ACTIVATION}=sigmoid", "task={classification: {loss: {bce: {from_logits: true}}}}"],
            "the loss takes logits, but sigmoid makes them probabilities",
        ),
        (["task={classification: {loss: sparse_categorical_crossentropy}}"], "takes class indices, but the targets"),
        (["task={classification: {metrics: [SparseCategoricalAccuracy]}}"], "takes class indices, but the targets"),
        (["task={classification: {metrics: [F1Score]}}"], "F1Score gives several values, not one"),
        (["task={classification: {metrics: [{BinaryCrossentropy: {from_logits: true}}]}}"], "takes logits, but"),
    ],
)
def test_heads_that_cannot_work_are_refused_at_their_line(overrides, message):
    with pytest.raises(InputError, match=message) as caught:
        check_build(load_recipe("digits_mlp", overrides))
    assert caught.value.problems[0].location is not None
    assert caught.value.problems[0].hint


@pytest.mark.parametrize(
    "overrides",
    [
        [f"{ACTIVATION}=linear", "task={classification: {loss: {categorical_crossentropy: {from_logits: true}}}}"],
        [f"{ACTIVATION}=softmax"],
        ["task={classification: {metrics: [accuracy, acc, mse, auc, precision, top_k_categorical_accuracy]}}"],
        ["training.optimizer=adam", "task={classification: {loss: kld}}"],
        [
            "training.optimizer={sgd: {learning_rate: 0.1}}",
            "task={classification: {metrics: [{f1_score: {average: macro}}]}}",
        ],
    ],
)
def test_heads_that_fit_are_accepted(overrides):
    check_build(load_recipe("digits_mlp", overrides))


def test_words_of_keras_are_the_classes_that_they_stand_for():
    recipe = load_recipe("digits_mlp", ["task={classification: {loss: mse, metrics: [mse, accuracy]}}"]).recipe
    task = create(recipe.task)
    assert type(task.loss) is keras.losses.MeanSquaredError
    added, word = task.metrics
    assert (type(added), added.name, word) == (keras.metrics.MeanSquaredError, "mse", "accuracy")
    for namespace in ("loss", "metric", "optimizer"):
        assert all(class_of(namespace, word) in (None, *names(namespace)) for word in identifiers(namespace))
    assert {word: class_of("metric", word) for word in ("auc", "mape", "mean_io_u", "huber")} == {
        "auc": "AUC",
        "mape": "MeanAbsolutePercentageError",
        "mean_io_u": "MeanIoU",
        "huber": None,
    }


def test_a_task_that_does_not_measure_accuracy_says_so():
    with pytest.raises(InputError, match="this task has no metric 'accuracy'") as caught:
        check_build(load_recipe("linear_regression", ["task={regression: {metrics: [accuracy]}}"]))
    assert caught.value.problems[0].key == "task.regression.metrics"
