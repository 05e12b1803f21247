"""Write the vocabularies of a run's preprocessing, and give them to a model that is built again."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dlkit.components.layers._words import learned_words, text_layers
from dlkit.errors import InputError
from dlkit.files.atomic import write_text
from dlkit.runs.directory import VOCABULARY
from dlkit.safety.files import first_line


def write_vocabularies(preprocess: keras.Model, folder: Path) -> None:
    """Write the words of every text layer, in order; nothing without such layers."""
    layers = text_layers(preprocess)
    if layers:
        found = [learned_words(layer) for layer in layers]
        write_text(folder / VOCABULARY, json.dumps(found, ensure_ascii=False, indent=1) + "\n")


def load_vocabularies(preprocess: keras.Model, folder: Path) -> None:
    """Set the words of every text layer to those of a run; raise InputError when its file is damaged."""
    layers, path = text_layers(preprocess), folder / VOCABULARY
    if not layers:
        return
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        for layer, content in zip(layers, stored, strict=True):
            _set_words(layer, content["words"], content["weights"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path} does not contain the words of this run: {first_line(error)}", "restore the file or train again"
        ) from error


def _set_words(layer: keras.layers.TextVectorization, words: Any, weights: Any) -> None:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("words is not a list of texts")
    # As objects: an array of strings would give every word the size of the longest.
    layer.set_vocabulary(np.array(words, object), None if weights is None else np.asarray(weights, np.float32))
