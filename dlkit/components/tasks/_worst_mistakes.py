"""Keep the worst mistakes of a classifier while the batches of a split pass by."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from dlkit.figures.images import is_image
from dlkit.figures.mistakes import SHOWN, Mistake, are_texts, mistakes_figure, shown_examples
from dlkit.interfaces.task import Examined


class WorstMistakes:
    """The wrong predictions with the highest probabilities, if inputs are images or texts; others are not kept."""

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self._class_names = class_names
        self._worst: list[Mistake] = []
        self._examples = self._wrong = 0
        self._images = False

    def watched(self, batches: Iterable[Examined]) -> Iterator[Examined]:
        """Yield the batches, and keep their worst mistakes."""
        for batch in batches:
            self._images = is_image(batch.inputs.shape[1:])
            if self._images or are_texts(batch.inputs):
                self._add(batch)
            yield batch

    def _add(self, batch: Examined) -> None:
        probabilities, targets = batch.outputs["probabilities"], batch.targets
        predicted = probabilities.argmax(axis=-1)
        wrong = np.flatnonzero(predicted != targets)
        sure = probabilities[wrong, predicted[wrong]]
        for row in wrong[np.argsort(-sure, kind="stable")[:SHOWN]]:
            names = (self._class_names[targets[row]], self._class_names[predicted[row]])
            probability = float(probabilities[row, predicted[row]])
            self._worst.append(Mistake(self._examples + int(row), batch.inputs[row], *names, probability))
        self._worst = sorted(self._worst, key=lambda mistake: -mistake.probability)[:SHOWN]
        self._examples, self._wrong = self._examples + len(targets), self._wrong + len(wrong)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return `number`, `image` or `text`, `truth`, `predicted`, `probability` of the mistakes (k, ...), if any."""
        if not self._worst:
            return {}
        names = ("number", "truth", "predicted", "probability")
        shown = shown_examples(np.array([mistake.example for mistake in self._worst]))
        return {name: np.array([getattr(mistake, name) for mistake in self._worst]) for name in names} | shown

    def figures(self) -> dict[str, Callable[[], Any]]:
        """Return what draws the mistakes, by file name; nothing if the inputs are not images."""
        if not self._images:
            return {}
        return {"mistakes": partial(mistakes_figure, self._worst, self._wrong, self._examples)}
