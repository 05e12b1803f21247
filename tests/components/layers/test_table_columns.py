"""Cells as text become numbers, in the graph as in the reader of tables."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.layers._table_columns import TableColumns
from dlkit.errors import InputError
from dlkit.interfaces.table import Column, Table

COLUMNS = (
    Column("a", missing="mean"),
    Column("colour", ("green", "none", "red"), "none"),
    Column("b"),
    Column("c", missing="median"),
    Column("d", missing=7.5),
)
TRAIN = np.array(
    [[b"1", b"red", b"2", b"1", b"0"], [b"", b"", b"3", b"2", b""], [b"4.5", b"green", b"-1e1", b"9", b"1"]]
)


def layer_of(*columns, **settings):
    layer = TableColumns(table=Table(columns, "y", **settings))
    layer.build((None, len(columns)))
    return layer


@pytest.fixture
def layer():
    layer = layer_of(*COLUMNS)
    layer.adapt([TRAIN[:1], TRAIN[1:]])
    return layer


def test_values_are_those_of_train(layer):
    expected = [[1, 2, 1, 0, 0, 0, 1], [2.75, 3, 2, 7.5, 0, 1, 0], [4.5, -10, 9, 1, 1, 0, 0]]
    np.testing.assert_array_equal(layer(TRAIN), expected)
    other = [[" na ", "red ", " 2", "N/A", "NaN"]]
    np.testing.assert_array_equal(layer(tf.constant(other)), [[2.75, 2, 2, 7.5, 0, 0, 1]])
    assert layer(TRAIN).dtype == "float64"
    assert layer.compute_output_shape((None, 5)) == (None, 7)


@pytest.mark.parametrize("cell", ["", "nan", "inf", "1_0", "0x1A", "x"])
def test_other_cells_are_refused_in_the_graph(layer, cell):
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a number"):
        tf.function(layer)(tf.constant([["1", "red", cell, "1", "1"]]))


def test_unknown_categories(layer):
    with pytest.raises(tf.errors.InvalidArgumentError, match="unknown category in column colour"):
        tf.function(layer)(tf.constant([["1", "blue", "1", "1", "1"]]))
    zeros = layer_of(Column("colour", ("green", "red")), unknown="zeros")
    np.testing.assert_array_equal(zeros(tf.constant([["blue"], ["red"]])), [[0, 0], [0, 1]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="unknown category"):
        zeros(tf.constant([[""]]))


def test_decimal_commas():
    german = layer_of(Column("a", missing=1.0), decimal=",")
    np.testing.assert_array_equal(german(tf.constant([["2,5"], [""], ["3"]])), [[2.5], [1], [3]])


def test_numbers_are_those_that_python_reads():
    texts = [repr(float(value)) for value in np.random.default_rng(0).normal(size=500) * 10.0 ** np.arange(-250, 250)]
    found = layer_of(Column("a", missing=0.0))(tf.constant(texts)[:, None])
    assert found[:, 0].numpy().tolist() == [float(text) for text in texts]


def test_a_column_without_values_has_no_mean():
    with pytest.raises(InputError, match="column 'a' has no value in the train split"):
        layer_of(Column("a", missing="mean")).adapt([np.array([[b""], [b""]])])


def test_saved_with_its_values(layer, tmp_path):
    inputs = keras.Input((5,), dtype="string")
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "m.keras")(TRAIN), model(TRAIN))
