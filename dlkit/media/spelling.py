"""Name classes, and spell texts from them, as the bytes that a deployed model answers with."""

from collections.abc import Sequence

import numpy as np


def labels_of(scores: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """Return the names (n,) of the classes with the best scores (n, classes), as bytes."""
    return np.asarray([class_names[index].encode() for index in scores.argmax(axis=-1)])


def texts_of(letters: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """Return the texts (n,) that indices of classes (n, places) spell, as bytes; -1 is none."""
    return np.asarray(["".join(class_names[index] for index in row if index >= 0).encode() for row in letters])
