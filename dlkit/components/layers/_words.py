"""The layers that turn texts into words: their vocabularies, and the step that even an empty text has."""

from typing import Any

import keras

from dlkit.catalog.create import locate
from dlkit.errors import InputError


def text_layers(model: keras.Model) -> list[keras.layers.TextVectorization]:
    """Return the layers of a model that have a vocabulary, in order, including those inside other layers."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.TextVectorization)]


def check_dense(layer: keras.layers.TextVectorization) -> None:
    """Raise InputError for settings with which the size of the output is not known, or is not one array."""
    lookup = layer._lookup_layer
    if lookup.sparse or layer._ragged:
        raise InputError("sparse and ragged outputs cannot be trained on", "remove it", location=locate(layer))
    if lookup.output_mode != "int" and not (lookup.pad_to_max_tokens and lookup.max_tokens):
        raise InputError(
            f"output_mode: {lookup.output_mode} has as many values as train has words, which is not known yet",
            "set max_tokens, and pad_to_max_tokens: true",
            location=locate(layer),
        )


def check_embeddings(network: keras.Model, words: int) -> None:
    """Raise InputError for an Embedding that reads the network's input and has fewer rows than there are indices."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.Embedding) and layer.input is network.input and layer.input_dim < words:
            raise InputError(
                f"the vocabulary has {words:,} indices, but the Embedding has {layer.input_dim:,} rows",
                f"set input_dim: {words}, or max_tokens: {layer.input_dim} in TextVectorization",
                location=locate(layer),
            )


def lookup_tables(model: keras.Model) -> list[Any]:
    """Return the tables and constants that the text layers of a model read in its graph, for tf.Module to track."""
    return [layer._lookup_layer.lookup_table for layer in text_layers(model)]


def learned_words(layer: keras.layers.TextVectorization) -> dict[str, Any]:
    """Return the words of a vocabulary by descending frequency in train, and their weights for tf_idf."""
    words = [str(word) for word in layer.get_vocabulary(include_special_tokens=False)]
    lookup = layer._lookup_layer
    if lookup.output_mode != "tf_idf":
        return {"words": words, "weights": None}
    weights = lookup.idf_weights_const.numpy()[lookup._token_start_index() :]
    return {"words": words, "weights": [float(weight) for weight in weights[: len(words)]]}


@keras.saving.register_keras_serializable(package="dlkit")
class AtLeastOneStep(keras.layers.Layer):
    """Extends a batch (n, steps) without any steps by one of padding, 0, so that an empty text has an answer too."""

    def call(self, inputs: Any) -> Any:
        """Return the batch (n, steps or 1)."""
        steps = keras.ops.maximum(keras.ops.shape(inputs)[1], 1)
        return keras.ops.pad(inputs, ((0, 0), (0, 1)))[:, :steps]

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return shape and dtype of the inputs."""
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)
