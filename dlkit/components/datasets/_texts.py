"""Splits of labelled texts, each with its place for messages."""

from collections.abc import Sequence

import numpy as np

from dlkit.errors import InputError
from dlkit.interfaces.data import Split, seeded_split
from dlkit.interfaces.ragged import Texts

Placed = tuple[str, str]
"""The place of a text, a file or `file:line`, and the text."""


def text_split(classes: Sequence[Sequence[Placed]]) -> Split:
    """Return the texts of all classes, in this order, with their class indices int64 (n,)."""
    found = [text for texts in classes for text in texts]
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(texts) for texts in classes])
    places = np.array([place for place, _ in found])
    return Split(Texts.of_strings(text for _, text in found), labels, names=places)


def with_test(split: Split, fraction: float, seed: int, names: tuple[str, ...]) -> dict[str, Split]:
    """Return train, and test with a seeded fraction of every class unless the fraction is 0."""
    if fraction == 0:
        return {"train": split}
    kept, held = seeded_split(split.targets, fraction, seed, True, names)
    return {"train": split.select(kept), "test": split.select(held)}


def check_classes(where: str, names: Sequence[str], what: str) -> None:
    """Raise InputError when there are fewer than two classes."""
    if len(names) < 2:
        raise InputError(f"{where} has {len(names)} class{'es' * (not names)}", f"a classifier needs two: {what}")
