"""Convolutions of several widths over the words of a text, each pooled over time."""

from typing import Annotated

import keras
from pydantic import Field

from dlkit.components.layers._masks import masked_call, start_mask
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

L = keras.layers


def text_cnn(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    words: Annotated[int, Field(ge=2)],
    dimension: Annotated[int, Field(ge=1)] = 128,
    widths: list[int],
    filters: Annotated[int, Field(ge=1)] = 100,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5,
    embedding_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
) -> keras.Model:
    """Build the sentence classifier of Kim 2014: word vectors, convolutions of several widths, the maximum over time.

    inputs: indices of words (steps,), 0 is padding. words: the number of indices; dimension: that of a word's vector;
    widths: the words that the filters of each convolution span; filters: the number of filters of each width. A text
    shorter than a filter is extended with zeros. The last layer has a softmax over the classes.
    """
    if len(inputs.shape) != 1 or not inputs.dtype.startswith("int"):
        raise InputError(
            f"text_cnn takes indices of words, not {inputs.dtype} of shape {list(inputs.shape)}",
            "end data.preprocess with TextVectorization, with output_mode: int (the default)",
        )
    network_input = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    vectors, mask = masked_call(
        L.Embedding(words, dimension, mask_zero=True, name="vectors"), *start_mask(network_input)
    )
    if embedding_dropout:
        vectors, mask = masked_call(L.SpatialDropout1D(embedding_dropout), vectors, mask)
    pooled = []
    for width in widths:
        convolution = L.Conv1D(filters, width, activation="relu", name=f"phrases_{width}")
        found, kept = masked_call(convolution, vectors, mask)
        pooled.append(masked_call(L.GlobalMaxPooling1D(name=f"strongest_{width}"), found, kept)[0])
    features = L.Concatenate(name="features")(pooled) if len(pooled) > 1 else pooled[0]
    outputs = L.Dense(targets.shape[0], activation="softmax", name="classes")(L.Dropout(dropout)(features))
    return keras.Model(network_input, outputs)
