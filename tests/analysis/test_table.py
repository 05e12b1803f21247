"""The arithmetic behind every row, worked by hand here, is what Keras reports."""

from dataclasses import replace

import keras
import pytest
from keras import layers

from dlkit.analysis.table import _check, count_parameters, explain, layer_rows
from dlkit.errors import CheckError


def network(shape, *stack):
    return keras.Sequential([keras.Input(shape), *stack])


@pytest.mark.parametrize(
    ("shape", "layer", "sizes", "parameters"),
    [
        ((9, 9, 3), lambda: layers.Conv2D(4, 3, strides=2), [4, 4], 3 * 3 * 3 * 4 + 4),
        ((9, 9, 3), lambda: layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False), [5, 5], 3 * 3 * 3 * 4),
        ((9, 8, 4), lambda: layers.Conv2D(6, (3, 2), dilation_rate=2, groups=2), [5, 6], 3 * 2 * 2 * 6 + 6),
        ((5, 5, 3), lambda: layers.Conv2DTranspose(2, 3, strides=2), [11, 11], 3 * 3 * 3 * 2 + 2),
        ((5, 5, 3), lambda: layers.Conv2DTranspose(2, 3, strides=2, padding="same"), [10, 10], 3 * 3 * 3 * 2 + 2),
        ((3, 9, 9), lambda: layers.Conv2D(4, 3, data_format="channels_first"), [7, 7], 3 * 3 * 3 * 4 + 4),
        ((9, 9, 3), lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), [7, 7], 3 * 3 * 3 * 2 + 6),
        ((9, 9, 3), lambda: layers.SeparableConv2D(5, 3), [7, 7], 3 * 3 * 3 + 3 * 5 + 5),
        ((9, 3), lambda: layers.Conv1D(4, 2, padding="causal"), [], 2 * 3 * 4 + 4),
        ((None, 3), lambda: layers.Conv1D(4, 2), [], 2 * 3 * 4 + 4),
        ((9, 9, 3), lambda: layers.MaxPooling2D(2), [4, 4], None),
        ((9, 9, 3), lambda: layers.AveragePooling2D(3, strides=1), [7, 7], None),
        ((9, 9, 3), lambda: layers.BatchNormalization(), [], 4 * 3),
        ((9, 9, 3), lambda: layers.BatchNormalization(scale=False), [], 3 * 3),
        ((7, 5), lambda: layers.SimpleRNN(4), [], (5 + 4 + 1) * 4),
        ((7, 5), lambda: layers.LSTM(4), [], 4 * (5 + 4 + 1) * 4),
        ((7, 5), lambda: layers.GRU(4), [], 3 * (5 + 4 + 2) * 4),
        ((7, 5), lambda: layers.GRU(4, reset_after=False, use_bias=False), [], 3 * (5 + 4) * 4),
        ((7, 5), lambda: layers.Bidirectional(layers.LSTM(4)), [], 2 * 4 * (5 + 4 + 1) * 4),
        (
            (7, 5),
            lambda: layers.Bidirectional(layers.GRU(4), backward_layer=layers.GRU(3, go_backwards=True)),
            [],
            132 + 90,
        ),
        ((7, 5), lambda: layers.TimeDistributed(layers.Dense(2)), [], 5 * 2 + 2),
        ((7,), lambda: layers.Embedding(50, 6), [], 50 * 6),
        ((7,), lambda: layers.Dropout(0.5), [], None),
    ],
)
def test_formulas(shape, layer, sizes, parameters):
    built = network(shape, layer())
    (explanation,) = explain(built)
    assert [formula.value for formula in explanation.sizes] == sizes
    assert (explanation.parameters and explanation.parameters.value) == parameters
    (row,) = layer_rows(built)
    assert row.parameters == (parameters or 0)


def test_counts_leave_random_state_out():
    built = network((4,), layers.Dense(3), layers.BatchNormalization(), layers.Dropout(0.5))
    assert count_parameters(built) == {"total": 15 + 12, "trainable": 15 + 6, "non_trainable": 6}
    built.layers[0].trainable = False
    assert count_parameters(built)["trainable"] == 6


def test_a_formula_that_gives_another_number_than_keras_is_an_error():
    built = network((9, 9, 3), layers.Conv2D(4, 3), layers.Conv2D(4, 3, strides=2))
    first, second = explain(built)
    with pytest.raises(CheckError, match=r"but Keras reports 112 parameters"):
        _check(built.layers[0], replace(first, parameters=second.parameters))
    with pytest.raises(CheckError, match=r"sizes \[3, 3\], but Keras reports the shape \[7, 7, 4\]"):
        _check(built.layers[0], replace(first, sizes=second.sizes))


def test_a_nested_network_is_unfolded_with_what_is_frozen():
    backbone = network((8, 8, 1), layers.Conv2D(2, 3, name="early"), layers.Conv2D(2, 3, name="late"), layers.Flatten())
    backbone.get_layer("early").trainable = False
    outer = keras.Sequential([keras.Input((8, 8, 1)), backbone, layers.Dense(3)])
    nested, head = layer_rows(outer, unfold=True)
    assert [(row.name, row.parameters, row.frozen) for row in nested.inner[:2]] == [
        ("early", 20, True),
        ("late", 38, False),
    ]
    assert (nested.inner[2].frozen, nested.frozen, head.frozen, head.inner) == (None, None, False, [])
    backbone.trainable = False
    assert layer_rows(outer)[0].frozen is True
    assert layer_rows(outer)[0].inner == []
