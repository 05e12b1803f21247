"""Turn examples into batches: read, augment, corrupt and prepare them for the network.

Every random draw (shuffle, augment, corrupt) is a pure function of the seed, the epoch and the example's index, and a
batch is a pure function of the step. Training can therefore start at any step without stored state, and the batches
are always the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import tensorflow as tf

from dlkit.catalog.create import Component
from dlkit.catalog.find import load
from dlkit.data.batches import ahead, as_written, in_memory, numbers, reader, steps_per_epoch
from dlkit.data.buckets import bucketed
from dlkit.data.shards import Shard, cut, each
from dlkit.draws import example_seeds, shuffled, uniform
from dlkit.interfaces.augment import taken_by
from dlkit.interfaces.data import Split
from dlkit.interfaces.ragged import Ragged
from dlkit.recipe.schema import Recipe

_CORRUPT_STAGE, _PATCH_STAGE = 1000, 2000

Prepare = Callable[..., Any]


@dataclass(frozen=True)
class TrainSteps:
    """The batches of training, in two stages.

    elements: (first step, last step) -> a dataset for the steps first <= step < last, counted across all epochs.
    finish: converts one element to its batch, in the graph of the training step. If batches only need to be read and
    preprocessed, the elements are the step numbers and `finish` does all of the work, which avoids the overhead of
    tf.data. Otherwise the elements are complete batches, prepared while the previous step runs, and `finish` only adds
    the teacher's targets.
    """

    elements: Callable[[int, int], tf.data.Dataset]
    finish: Callable[..., Any]


class InputPipeline:
    """Converts the examples of a split to batches for the network's step: (x, y) or (x, y, sample weights).

    prepare: (inputs, targets, corrupted inputs or None, mask of hidden values or None) -> batch.
    moves_targets: whether raw targets are pixels, which augmentation transforms together with the inputs.
    augment: the augmentations of training, in order.
    teach: (batch, augmented inputs) -> a batch with other targets, in the graph of the training step.
    """

    def __init__(
        self,
        recipe: Recipe,
        prepare: Prepare,
        moves_targets: bool,
        augment: Sequence[Component] = (),
        teach: Callable[..., Any] | None = None,
    ) -> None:
        self.batch_size, self.seed, self.shuffle = (
            recipe.training.batch_size,
            recipe.training.seed,
            recipe.training.shuffle,
        )
        self._augment = [(taken_by(load("augment", c.name)), _bound("augment", c)) for c in augment]
        self._corrupt = [_bound("corrupt", component) for component in recipe.data.corrupt]
        self._patch = recipe.data.patch
        self._prepare, self._teach = prepare, teach
        self._moves_targets = moves_targets

    def steps(self, train: Split) -> int:
        """Return the number of batches in an epoch."""
        return steps_per_epoch(self.examples(train), self.batch_size)

    def examples(self, train: Split) -> int:
        """Return the number of examples in an epoch: the images, or their crops."""
        return len(train) * (self._patch.per_image if self._patch else 1)

    def train_steps(self, train: Split, shards: Sequence[Shard] = ()) -> "TrainSteps":
        """Return the steps of training on a split; with shards, a batch is a tuple of (share, batch) for each."""
        batch_of = self._train_batch(train, shards)
        if in_memory(train) and not (self._augment or self._corrupt or self._patch or self._teach):
            return TrainSteps(numbers, as_written(batch_of))
        finish = each(shards, self._teach or (lambda *batch: batch))
        return TrainSteps(lambda *steps: ahead(numbers(*steps), batch_of), as_written(finish))

    def train_batches(self, train: Split, first_step: int, last_step: int) -> tf.data.Dataset:
        """Return the batches of the steps first_step <= step < last_step, counted across all epochs."""
        steps = self.train_steps(train)
        return steps.elements(first_step, last_step).map(steps.finish)

    def fixed_batches(self, split: Split, batch_size: int, shards: Sequence[Shard] = ()) -> tf.data.Dataset:
        """Return all examples of a split in their original order, not augmented, and always corrupted the same way."""
        read = reader(split)

        def part_of(indices: Any) -> Any:
            return self.prepared(*read(indices), tf.constant(-1, tf.int64), indices)

        def batch_of(start: Any) -> Any:
            return cut(shards, tf.range(start, tf.minimum(start + batch_size, len(split))), part_of)

        return ahead(numbers(0, len(split), batch_size), batch_of)

    def prepared(self, inputs: Any, targets: Any, epoch: Any, indices: Any) -> Any:
        """Corrupt and prepare a batch of examples; epoch -1 is used for splits whose draws never change."""
        if not self._corrupt:
            return self._prepare(inputs, targets)
        corrupted, hidden = inputs, None
        for stage, function in enumerate(self._corrupt, _CORRUPT_STAGE):
            corrupted, mask = function(corrupted, example_seeds(self.seed, stage, epoch, indices))
            hidden = mask if hidden is None or mask is None else tf.maximum(hidden, mask)
        return self._prepare(inputs, targets, corrupted, hidden)

    def _train_batch(self, train: Split, shards: Sequence[Shard]) -> Callable[[Any], Any]:
        steps, part_of, order = self.steps(train), self._train_part(train), self._order(train)

        def batch_of(step: Any) -> Any:
            return cut(shards, order(step // steps, step % steps), partial(part_of, step))

        return batch_of

    def _order(self, train: Split) -> Callable[[Any, Any], Any]:
        """Return a function from an epoch and the number of one of its batches to the indices of its examples."""
        size, count = self.batch_size, self.examples(train)
        if self.shuffle and isinstance(train.inputs, Ragged):
            lengths = train.inputs.lengths
            return lambda epoch, batch: bucketed(batch, self.seed, epoch, size, lengths)

        def order(epoch: Any, batch: Any) -> Any:
            places = tf.range(batch * size, tf.minimum((batch + 1) * size, count))
            return shuffled(places, self.seed, epoch, count) if self.shuffle else places

        return order

    def _train_part(self, train: Split) -> Callable[[Any, Any], Any]:
        """Return a function from a step and the indices (n,) of examples to their batch.

        With a teacher, it returns the batch and the augmented inputs.
        """
        steps, read = self.steps(train), reader(train)

        def part_of(step: Any, indices: Any) -> Any:
            epoch = step // steps
            examples = self._cut(*read(indices % len(train)), epoch, indices)
            inputs, targets, shares = self.augmented(*examples, epoch, indices)
            batch = self.augmented_features(self.prepared(inputs, targets, epoch, indices), epoch, indices)
            batch = _mixed_targets(batch, shares)
            return (batch, inputs) if self._teach else batch

        return part_of

    def _cut(self, inputs: Any, targets: Any, epoch: Any, indices: Any) -> tuple[Any, Any]:
        """Return a random crop of each image and of its mask, or the batch unchanged without data.patch."""
        if self._patch is None:
            return inputs, targets
        seeds, size = example_seeds(self.seed, _PATCH_STAGE, epoch, indices), (self._patch.height, self._patch.width)
        return random_crops(inputs, seeds, size), random_crops(targets, seeds, size)

    def augmented(self, inputs: Any, targets: Any, epoch: Any, indices: Any) -> tuple[Any, Any, list[Any]]:
        """Return inputs, targets and, per mix, the weight of the previous example of the batch in each example.

        An augmentation that takes the epoch gets the same draws in every epoch.
        """
        shares = []
        for stage, (takes, function) in enumerate(self._augment):
            if takes.features:
                continue
            seeds = example_seeds(self.seed, stage, -1 if takes.epoch else epoch, indices)
            if takes.others:
                inputs, share = function(inputs, _others(inputs), seeds)
                shares.append(share)
                continue
            context = [inputs, targets if self._moves_targets else None, seeds, *([epoch] if takes.epoch else [])]
            inputs, masks = function(*context)
            targets = masks if self._moves_targets else targets
        return inputs, targets, shares

    def augmented_features(self, batch: Any, epoch: Any, indices: Any) -> Any:
        """Return a batch whose inputs, the network's, went through the augmentations of features."""
        inputs, *others = batch
        for stage, (takes, function) in enumerate(self._augment):
            if takes.features:
                inputs, _ = function(inputs, None, example_seeds(self.seed, stage, epoch, indices))
        return inputs, *others


def _others(values: Any) -> Any:
    """Return the previous example for each example of a batch; the first gets the last."""
    return tf.roll(values, 1, axis=0)


def _mixed_targets(batch: tuple[Any, ...], shares: list[Any]) -> tuple[Any, ...]:
    """Return a batch with targets (n, classes) averaged by the weights (n,), for one output or several by name."""

    def mean(targets: Any) -> Any:
        for share in shares:
            weight = tf.cast(tf.reshape(share, [-1, *[1] * (len(targets.shape) - 1)]), targets.dtype)
            targets = (1 - weight) * targets + weight * _others(targets)
        return targets

    inputs, targets, *weights = batch
    return (inputs, tf.nest.map_structure(mean, targets), *weights) if shares else batch


def _bound(namespace: str, component: Any) -> Callable[..., Any]:
    """Return a component's function with the recipe's settings bound."""
    return partial(load(namespace, component.name), **component.settings)


def random_crops(images: Any, seeds: Any, size: tuple[int, int]) -> Any:
    """Return one crop (n, *size, ...) per image or mask (n, height, width, ...); equal seeds give equal positions."""
    starts = uniform(seeds, 2)
    for axis, length in enumerate(size, 1):
        room = tf.shape(images)[axis] - length + 1
        start = tf.cast(starts[:, axis - 1] * tf.cast(room, tf.float32), tf.int32)
        # Above 2^24, the product of a float32 and a number below 1 may be rounded up to `room`.
        places = tf.minimum(start, room - 1)[:, tf.newaxis] + tf.range(length)
        images = tf.gather(images, places, axis=axis, batch_dims=1)
    return images
