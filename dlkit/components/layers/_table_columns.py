"""The first layer of a model of tables with categories or rules for missing values: cells as text become numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from pydantic import TypeAdapter

from dlkit.errors import InputError
from dlkit.interfaces.table import MISSING, NUMBER, Column, Table

_NONE = f"{MISSING.pattern[:4]}({MISSING.pattern[4:]})"


@keras.saving.register_keras_serializable(package="dlkit")
class TableColumns(keras.layers.Layer):
    """Turns the cells of rows, strings (n, columns), into float64 (n, features): numbers, one-hot categories, words.

    A text has one feature per word of its vocabulary, 1 if it contains the word; the first one stands for other words.
    Spaces around cells are ignored. A cell without a value becomes what its column's rule says; mean and median are
    those of the data given to `adapt`. Raises InvalidArgumentError for any cell that the rules do not allow.
    """

    def __init__(self, *, table: Table | Mapping[str, Any], **keywords: Any) -> None:
        super().__init__(**keywords)
        self.table: Table = TypeAdapter(Table).validate_python(table)
        columns = list(enumerate(self.table.columns))
        self.numbers = [at for at, column in columns if not column.categories and not column.words]
        self.categories = [at for at, column in columns if column.categories]
        self.texts = [at for at, column in columns if column.words]
        self.vectorized = [vectorization(self.table.columns[at]) for at in self.texts]

    def build(self, input_shape: Any) -> None:
        """Create the values of missing numbers (numbers,); mean and median are zero until adapt."""
        del input_shape
        rules = [self.table.columns[at].missing for at in self.numbers]
        given = np.asarray([rule if isinstance(rule, float) else 0 for rule in rules], np.float64)
        self.fills = self.add_weight(
            shape=given.shape, initializer=lambda *_, **__: given, trainable=False, dtype="float64", name="fills"
        )

    def adapt(self, data: Iterable[Any]) -> None:
        """Set the values of missing numbers from batches of cells; raise InputError for a column without any value."""
        cells = np.concatenate([np.asarray(batch).astype(np.bytes_) for batch in data])
        for at, layer in zip(self.texts, self.vectorized, strict=True):
            layer.adapt(tf.data.Dataset.from_tensor_slices(cells[:, at]).batch(1000))
        columns = [self.table.columns[at] for at in self.numbers]
        fills = zip(self.numbers, columns, np.asarray(self.fills), strict=True)
        self.fills.assign(
            [
                self._average(column, cells[:, at]) if column.missing in ("mean", "median") else given
                for at, column, given in fills
            ]
        )

    def _average(self, column: Column, cells: np.ndarray) -> float:
        values = [float(cell.decode().replace(self.table.decimal, ".")) for cell in cells if cell]
        if not values:
            raise InputError(
                f"column {column.name!r} has no value in the train split, so that it has no {column.missing}",
                f"give a number instead in data.source.csv.missing, or leave out {column.name!r}",
            )
        return float(np.mean(values) if column.missing == "mean" else np.median(values))

    def call(self, inputs: Any) -> Any:
        """Return the numbers of a batch of cells."""
        texts = tf.strings.strip(inputs)
        cells = tf.where(tf.strings.regex_full_match(texts, _NONE), "", texts)
        parts = [self._as_numbers(tf.gather(cells, self.numbers, axis=1))] if self.numbers else []
        parts += [self._one_hot(cells[:, at], self.table.columns[at]) for at in self.categories]
        words = zip(self.texts, self.vectorized, strict=True)
        parts += [tf.cast(layer(texts[:, at]), tf.float64) for at, layer in words]
        return tf.concat(parts, axis=1)

    def _as_numbers(self, cells: Any) -> Any:
        """Return cells (n, numbers) as float64; conversion of a text that is not a number raises the error."""
        if self.table.decimal != ".":
            cells = tf.strings.regex_replace(cells, ",", ".")
        ruled = [self.table.columns[at].missing not in (None, "drop") for at in self.numbers]
        absent = tf.logical_and(cells == "", tf.constant(ruled))
        valid = tf.logical_or(absent, tf.strings.regex_full_match(cells, NUMBER.pattern))
        cells = tf.where(valid, cells, tf.strings.join(["not a number: '", cells, "'"]))
        numbers = tf.strings.to_number(tf.where(absent, "0", cells), tf.float64)
        return tf.where(absent, tf.convert_to_tensor(self.fills), numbers)

    def _one_hot(self, cells: Any, column: Column) -> Any:
        """Return cells (n,) as float64 (n, categories)."""
        if column.missing not in (None, "drop"):
            cells = tf.where(cells == "", str(column.missing), cells)
        found = cells[:, tf.newaxis] == tf.constant([*column.categories])
        known = tf.reduce_any(found, axis=1)
        if self.table.unknown == "zeros":
            known = tf.logical_or(known, cells != "")
        tf.debugging.Assert(tf.reduce_all(known), [f"unknown category in column {column.name}", cells])
        return tf.cast(found, tf.float64)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, int]:
        """Return (n, features)."""
        width = len(self.numbers) + sum(len(self.table.columns[at].categories) for at in self.categories)
        return (input_shape[0], width + sum(int(self.table.columns[at].words or 0) for at in self.texts))

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape and dtype of the features."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype="float64")

    def get_config(self) -> dict[str, Any]:
        """Return the settings from which Keras rebuilds the layer."""
        return {**super().get_config(), "table": asdict(self.table)}


def vectorization(column: Column) -> keras.layers.TextVectorization:
    """Return the layer that says which words a text contains (n, words)."""
    return keras.layers.TextVectorization(
        max_tokens=int(column.words or 0), output_mode="multi_hot", pad_to_max_tokens=True
    )
