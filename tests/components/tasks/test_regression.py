"""Regression: what it reports is what plain NumPy gives, and a head of another shape is refused."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from dlkit.components.tasks.regression import Regression
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, Description
from dlkit.interfaces.task import Examined, TargetSpec


def examined(targets, values):
    """A batch as the evaluation hands it over; inputs play no part here."""
    return Examined(targets, targets, targets, targets, {"values": values})


def test_the_report_agrees_with_numpy():
    rng = np.random.default_rng(0)
    truth, predicted = rng.normal(size=(20, 2)), rng.normal(size=(20, 2))
    batches = [examined(truth[:15], predicted[:15]), examined(truth[15:], predicted[15:])]
    report = Regression().report(batches, ())
    assert [row["value"] for row in report.table] == [0, 1]
    error = predicted - truth
    np.testing.assert_allclose([row["mae"] for row in report.table], np.abs(error).mean(0))
    np.testing.assert_allclose([row["rmse"] for row in report.table], np.sqrt((error**2).mean(0)))
    r2 = 1 - (error**2).sum(0) / ((truth - truth.mean(0)) ** 2).sum(0)
    np.testing.assert_allclose([row["r2"] for row in report.table], r2)
    (axes,) = report.figures["predicted_values"]().axes
    np.testing.assert_array_equal(axes.lines[1].get_xydata(), np.stack([truth[:, 1], predicted[:, 1]], axis=1))
    diagonal = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    assert axes.lines[-1].get_xdata().tolist() == axes.lines[-1].get_ydata().tolist() == diagonal
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == [*(f"value {i}, R² = {score:.4f}" for i, score in enumerate(r2)), "perfect prediction"]


def test_the_figure_names_the_target():
    batch = replace(examined(np.arange(3.0)[:, None], np.array([[0.0], [1.5], [2.0]])), target_names=("price ($)",))
    figure = Regression().report([batch], ()).figures["predicted_values"]()
    assert figure.get_suptitle() == "Predicted and true price ($) of 3 examples"
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true price ($)", "predicted price ($)")
    assert axes.get_legend().get_texts()[0].get_text() == "price ($), R² = 0.8750"


def test_one_example_has_no_r2():
    (row,) = Regression().report([examined(np.array([[1.5]]), np.array([[2.0]]))], ()).table
    assert (row["mae"], row["rmse"]) == (0.5, 0.5)
    assert np.isnan(row["r2"])


def test_targets_that_are_classes_are_refused():
    description = Description(ArraySpec((2,), "float32"), ArraySpec((), "int64"), ("a", "b"))
    with pytest.raises(InputError, match="the data has classes"):
        Regression().target_spec(description)
    values = Description(ArraySpec((2,), "float32"), ArraySpec((3,), "float32"))
    assert Regression().target_spec(values).shape == (3,)


def test_a_head_of_another_shape_is_refused():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    Regression().check(model, TargetSpec((2,)))
    with pytest.raises(InputError, match=r"the last layer returns \[2\] for targets of shape \[3\]") as caught:
        Regression().check(model, TargetSpec((3,)))
    assert caught.value.problems[0].hint == "set the last layer's units to 3"


def test_loss_and_metrics_have_defaults_that_a_recipe_replaces_and_adds_to():
    inputs = keras.Input((4,))
    network = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    assert isinstance(Regression().loss_for(network), keras.losses.MeanSquaredError)
    assert Regression(loss="huber").loss_for(network) == "huber"
    assert [metric.name for metric in Regression(metrics=[keras.metrics.MeanSquaredError()]).metrics_for(None)] == [
        "mae",
        "mean_squared_error",
    ]
    assert Regression().describe_prediction({"values": np.array([1.5])}, ()) == {"values": [1.5]}
