"""Which way a metric is better, for the best weights and for Keras' callbacks; what cannot be watched is named."""

import keras
import numpy as np
import pytest

from dlkit.components.metrics.dice_coefficient import DiceCoefficient
from dlkit.components.metrics.jaccard_index import JaccardIndex
from dlkit.components.metrics.pixel_accuracy import PixelAccuracy
from dlkit.components.metrics.psnr import Psnr
from dlkit.components.tasks.regression import Regression
from dlkit.errors import InputError
from dlkit.recipe import load_recipe
from dlkit.training.check import check_build
from dlkit.training.monitors import directions, smaller_is_better
from dlkit.training.run import train_recipe
from dlkit.training.state import TrainingState

METRICS = {
    "loss": (None, True),
    "kl_divergence": (keras.metrics.KLDivergence, True),
    "poisson": (keras.metrics.Poisson, True),
    "root_mean_squared_error": (keras.metrics.RootMeanSquaredError, True),
    "r2_score": (keras.metrics.R2Score, False),
    "cosine_similarity": (keras.metrics.CosineSimilarity, False),
    "categorical_accuracy": (keras.metrics.CategoricalAccuracy, False),
    "psnr": (Psnr, False),
    "dice": (DiceCoefficient, False),
    "iou": (JaccardIndex, False),
    "accuracy": (PixelAccuracy, False),
}

RECIPE = """
recipe: 1
name: watched
task: {{classification: {{metrics: [KLDivergence, FalsePositives]}}}}
data: {{source: digits, limit: 200, validation: {validation}, preprocess: [Flatten]}}
model: {{sequential: {{layers: [{{Dense: {{units: 10, activation: softmax}}}}]}}}}
training:
  epochs: 6
  optimizer: {{SGD: {{learning_rate: 0.02}}}}
  monitor: {monitor}
  callbacks: [{callbacks}]
  phases: {phases}
"""


def recipe(tmp_path, *callbacks, monitor="null", validation="{fraction: 0.2}", phases="[]"):
    path = tmp_path / "watched.yaml"
    watching = ", ".join(callbacks)
    path.write_text(RECIPE.format(callbacks=watching, monitor=monitor, validation=validation, phases=phases))
    return load_recipe(path)


@pytest.mark.parametrize("name", METRICS)
def test_the_best_epoch_has_the_least_error_or_the_most_of_what_is_good(name):
    metric, smaller = METRICS[name]
    task = Regression(metrics=[metric()] if metric else [])
    inputs = keras.Input((3,))
    network = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    assert smaller_is_better(f"val_{name}", directions(task, network)) is smaller


@pytest.mark.parametrize("name", ["misses", "my_error", "false_positives"])
def test_a_metric_that_does_not_say_is_not_guessed(name):
    with pytest.raises(InputError, match=f"cannot tell whether higher or lower 'val_{name}' is better") as caught:
        smaller_is_better(f"val_{name}", {name: None})
    assert caught.value.problems[0].hint == "set training.monitor_mode: min or max"
    assert smaller_is_better(f"val_{name}", {name: None}, "min")
    assert not smaller_is_better(f"val_{name}", {name: None}, "max")


def test_a_loss_of_one_output_is_better_when_it_is_less():
    inputs = keras.Input((3,))
    network = keras.Model(inputs, {"output": keras.layers.Dense(2)(inputs), "other": keras.layers.Dense(2)(inputs)})
    assert smaller_is_better("val_output_loss", directions(Regression(), network))
    assert smaller_is_better("val_other_loss", directions(Regression(), network))


@pytest.mark.parametrize(("smaller", "values", "best"), [(True, (2.0, 2.0, 3.0), 0), (False, (2.0, 2.0, 1.0), 0)])
def test_a_tie_does_not_replace_the_best(smaller, values, best):
    """The first of several best epochs is kept, as Keras' callbacks keep it."""

    class Steps:
        network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    state = TrainingState(smaller)
    state.enter(Steps, None)
    for epoch, value in enumerate(values):
        Steps.network.set_weights([np.full((1, 1), epoch), np.zeros(1)])
        state.keep_best(value)
    assert state.progress.best_weights[0].item() == best


@pytest.mark.parametrize("name", METRICS)
def test_early_stopping_agrees(name):
    metric, smaller = METRICS[name]
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    network.compile(loss="mse", metrics=[metric()] if metric else [])
    network.test_on_batch(np.full((4, 3), 0.5, "float32"), np.eye(2, dtype="float32")[[0, 1, 0, 1]])
    stopping = keras.callbacks.EarlyStopping(monitor=f"val_{name}", patience=1)
    stopping.set_model(network)
    stopping.on_train_begin()
    network.stop_training = False
    values = (3.0, 2.0, 1.0) if smaller else (1.0, 2.0, 3.0)
    for epoch, value in enumerate(values):
        stopping.on_epoch_end(epoch, {f"val_{name}": value})
        assert not network.stop_training
    stopping.on_epoch_end(3, {f"val_{name}": values[0]})
    assert network.stop_training


def test_the_best_weights_are_those_of_the_least_divergence(tmp_path, reporter):
    run = train_recipe(recipe(tmp_path, monitor="val_kl_divergence"), tmp_path, reporter).run
    best, last = (keras.models.load_model(run.path / f"{name}.keras").get_weights()[0] for name in ("best", "last"))
    np.testing.assert_array_equal(best, last)  # at this rate it falls in every epoch


@pytest.mark.parametrize(
    ("callback", "settings", "message", "hint"),
    [
        (
            "EarlyStopping: {monitor: val_acuracy}",
            {},
            ":11:32: training.callbacks.0.EarlyStopping.monitor: there is no metric 'val_acuracy'",
            "did you mean 'val_accuracy'?",
        ),
        (
            "StopAtLoss: {loss: 0.1, monitor: los}",
            {},
            ":11:40: training.callbacks.0.StopAtLoss.monitor: there is no metric 'los'",
            "did you mean 'loss'?",
        ),
        (
            "ReduceLROnPlateau: {monitor: val_false_positives}",
            {},
            ":11:16: training.callbacks.0.ReduceLROnPlateau: ReduceLROnPlateau cannot tell whether higher or lower "
            "'val_false_positives' is better",
            "set mode: max or mode: min",
        ),
        (
            "EarlyStopping",
            {"validation": "none"},
            ":11:15: training.callbacks.0.EarlyStopping.monitor: EarlyStopping watches 'val_loss', but there is no "
            "validation split",
            "give data.validation, or watch 'loss'",
        ),
        (
            "",
            {"monitor": "val_kl"},
            ":10:3: training.monitor: there is no metric 'val_kl'",
            "allowed: loss, accuracy, kl_divergence,",
        ),
        (
            "",
            {"phases": "[{}, {callbacks: [{EarlyStopping: {monitor: val_los}}]}]"},
            ":12:46: training.phases.1.callbacks.0.EarlyStopping.monitor: there is no metric 'val_los'",
            "did you mean 'val_loss'?",
        ),
    ],
)
def test_what_cannot_be_watched_is_told_before_training(tmp_path, callback, settings, message, hint):
    loaded = recipe(tmp_path, *([f"{{{callback}}}" if ":" in callback else callback] if callback else []), **settings)
    with pytest.raises(InputError) as error:
        check_build(loaded)
    (problem,) = error.value.problems
    assert str(problem).endswith(message)
    assert hint in problem.hint


@pytest.mark.parametrize(
    "callback",
    [
        "EarlyStopping: {monitor: val_false_positives, mode: min}",
        "EarlyStopping: {monitor: val_kl_divergence}",
        "ModelCheckpoint: {filepath: kept.keras, monitor: val_anything}",
        "StopAtLoss: {loss: 0.1}",
    ],
)
def test_what_can_be_watched_is_taken(tmp_path, callback):
    check_build(recipe(tmp_path, f"{{{callback}}}"))
