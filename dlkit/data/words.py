"""What the vocabulary of a recipe covers of its texts, for the report on data."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.catalog.create import create_at
from dlkit.components.layers._table_columns import vectorization
from dlkit.interfaces.data import ArraySpec, Description, Split
from dlkit.recipe.schema import Data

TEXT = "text"
_BATCH = 1000


def words_report(data: Data, description: Description, splits: Mapping[str, Split]) -> dict[str, Any]:
    """Return, for the text or for every column of texts, the vocabulary of train and what it covers of each split."""
    found = {}
    for name, layer, column in _layers(data, description):
        texts = {split: _texts(part, column) for split, part in splits.items()}
        layer.adapt(tf.data.Dataset.from_tensor_slices(texts["train"]).batch(_BATCH))
        known = {word.encode() for word in layer.get_vocabulary(include_special_tokens=False)}
        counted = {split: _counted(layer, part) for split, part in texts.items()}
        found[name] = {
            "vocabulary": len(known),
            "distinct_in_train": len(counted["train"][0]),
            "splits": {split: _covered(known, *part) for split, part in counted.items()},
        }
    return found


def _layers(data: Data, description: Description) -> Iterator[tuple[str, Any, int | None]]:
    """Yield the name of each text, its layer, and its column in a table, None where examples are texts."""
    if description.table is not None and not description.table.is_raw:
        for place, column in enumerate(description.table.columns):
            if column.words:
                yield column.name, vectorization(column), place
    elif description.inputs == ArraySpec((), "string"):
        chosen = next((component for component in data.preprocess if component.name == "TextVectorization"), None)
        if chosen is not None:
            yield TEXT, create_at(chosen), None


def _texts(split: Split, column: int | None) -> np.ndarray:
    inputs = np.asarray(split.inputs[:])
    return inputs if column is None else inputs[:, column]


def _counted(layer: Any, texts: np.ndarray) -> tuple[Counter[bytes], list[int]]:
    """Return how often each word occurs, as the layer cuts texts into words, and the number of words of each text."""
    words: Counter[bytes] = Counter()
    lengths: list[int] = []
    for start in range(0, len(texts), _BATCH):
        cut = layer._preprocess(tf.constant(texts[start : start + _BATCH]))
        words.update(cut.flat_values.numpy().tolist())
        lengths += cut.row_lengths().numpy().tolist()
    return words, lengths


def _covered(known: set[bytes], words: Counter[bytes], lengths: list[int]) -> dict[str, Any]:
    total = words.total()
    coverage = sum(count for word, count in words.items() if word in known) / max(1, total)
    spread = {"shortest": min(lengths), "median": float(np.median(lengths)), "longest": max(lengths)}
    return {"words": total, "coverage": coverage, "out_of_vocabulary": 1 - coverage, "words_per_text": spread}
