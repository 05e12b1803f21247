"""Dead and saturated units of networks whose weights are set by hand."""

import keras
import numpy as np
import pytest

from dlkit.diagnosis.activity import activities

INPUTS = np.linspace(-1, 1, 41, dtype="float32")[:, None]


def network(activation, kernel, bias):
    inputs = keras.Input((1,))
    hidden = keras.layers.Dense(len(bias), activation=activation, name="hidden")
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden(inputs)))
    hidden.set_weights([np.array([kernel], "float32"), np.array(bias, "float32")])
    return model


def test_units_that_are_never_positive_are_dead():
    (found,) = activities(network("relu", [1, 1, -1, 0], [0, -2, 0, 0]), INPUTS)
    assert (found.layer, found.units, found.dead) == ("hidden", 4, 0.5)  # the second and the last


def test_a_sigmoid_with_a_large_weight_is_saturated_at_both_ends():
    (found,) = activities(network("sigmoid", [1000, 1], [0, 0]), INPUTS)
    assert found.low == found.high == pytest.approx(20 / 82)
    assert found.stuck == 0


def test_a_tanh_with_a_large_bias_is_stuck():
    (found,) = activities(network("tanh", [0.1, 0.1], [9, 0]), INPUTS)
    assert (found.stuck, found.high, found.low) == (0.5, 0.5, 0)


def test_layers_of_models_inside_a_model_are_seen_and_outputs_are_not():
    inner = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, activation="relu", name="inside")])
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1, activation="tanh")(inner(inputs)))
    assert [found.layer for found in activities(model, INPUTS)] == ["inside"]
