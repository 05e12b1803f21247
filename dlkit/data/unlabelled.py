"""Batches of labelled and unlabelled examples together, for training on data of which few examples have labels.

Every place of a batch has one labelled example and `ratio` unlabelled ones, so a batch is cut into shards as any other.
In an epoch, every example of the larger part appears once, and those of the smaller part equally often, give or take
one.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from dlkit.catalog.create import Component
from dlkit.data.batches import reader
from dlkit.data.pipeline import InputPipeline, Prepare
from dlkit.draws import shuffled
from dlkit.interfaces.data import Split
from dlkit.recipe.few_labels import Consistency, Unlabelled
from dlkit.recipe.schema import Recipe

Join = Callable[[Any, Any, Any, Any], Any]


class MixedPipeline(InputPipeline):
    """An input pipeline whose batches get unlabelled examples.

    join: (labelled batch, weakly and strongly augmented inputs (n * ratio, ...) for the network, step) -> the batch
    for the network's step, in the graph of that step. Without a strong augmentation, both inputs are the same.
    """

    def __init__(
        self,
        recipe: Recipe,
        prepare: Prepare,
        augment: Sequence[Component],
        unlabelled: Split,
        settings: Unlabelled,
        join: Join,
    ) -> None:
        super().__init__(recipe, prepare, False, augment, join)
        strong = settings.strong if isinstance(settings, Consistency) else None
        self._strong = InputPipeline(recipe, prepare, False, strong) if strong else None
        self._unlabelled, self._ratio = unlabelled, settings.ratio

    def examples(self, train: Split) -> int:
        """Return the number of labelled examples in an epoch, repetitions included."""
        return max(len(train), -(-len(self._unlabelled) // self._ratio))

    def _train_part(self, train: Split) -> Callable[[Any, Any], Any]:
        labelled_part, count, steps = super()._train_part(train), self.examples(train), self.steps(train)
        read = reader(self._unlabelled)

        def part_of(step: Any, indices: Any) -> Any:
            batch, _ = labelled_part(step, indices)
            epoch, numbers = step // steps, self._numbers(step // steps, indices, count)
            inputs, targets = read(numbers % len(self._unlabelled))
            # Labelled examples draw with the numbers below `count`, and every view with those of its own.
            weak = self._view(self, inputs, targets, epoch, count + numbers)
            if self._strong is None:
                return batch, weak, weak, step
            strong = self._view(self._strong, inputs, targets, epoch, (1 + self._ratio) * count + numbers)
            return batch, weak, strong, step

        return part_of

    def _numbers(self, epoch: Any, indices: Any, count: int) -> Any:
        """Return the numbers (n * ratio,) of the unlabelled examples that go with labelled ones (n,) in an epoch."""
        several = indices[:, tf.newaxis] * self._ratio + tf.range(self._ratio, dtype=indices.dtype)
        numbers = tf.reshape(several, [-1])
        return shuffled(numbers, self.seed, epoch, count * self._ratio) if self.shuffle else numbers

    def _view(self, pipeline: InputPipeline, inputs: Any, targets: Any, epoch: Any, draws: Any) -> Any:
        """Return examples augmented and prepared for the network; draws: the numbers that determine random draws."""
        changed, targets, _ = pipeline.augmented(inputs, targets, epoch, draws)
        return pipeline.augmented_features(self.prepared(changed, targets, epoch, draws), epoch, draws)[0]
