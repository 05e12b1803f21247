"""Learn from unlabelled examples: the network's own predictions become their targets.

Pseudo-labels: Lee (2013), "Pseudo-label: the simple and efficient semi-supervised learning method for deep neural
networks". Consistency: FixMatch (Sohn et al., 2020, arXiv 2001.07685). Both predict in inference mode with the weights
before the update, and take the class with the highest probability.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from dlkit.catalog.find import load
from dlkit.components.layers.average_views import without_views
from dlkit.data.splits import Splits
from dlkit.data.unlabelled import MixedPipeline
from dlkit.errors import InputError
from dlkit.interfaces.augment import taken_by
from dlkit.interfaces.ragged import Ragged
from dlkit.model.build import augmentations
from dlkit.model.built import BuiltModel, is_penalty
from dlkit.recipe.few_labels import Consistency, Unlabelled
from dlkit.recipe.schema import Recipe, ResolvedPhase

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


def mixed_pipeline(recipe: Recipe, built: BuiltModel, phase: ResolvedPhase, splits: Splits) -> MixedPipeline | None:
    """Return the pipeline of a phase that learns from unlabelled examples, or None for one that does not."""
    settings = settings_of(recipe)
    if settings is None:
        return None
    assert splits.unlabelled is not None  # checked in check_unlabelled
    labeller = _Labeller(built, settings)
    pipeline = MixedPipeline(recipe, built.prepare, phase.augment, splits.unlabelled, settings, labeller.joined)
    labeller.steps_per_epoch = pipeline.steps(splits.train)
    return pipeline


def settings_of(recipe: Recipe) -> Unlabelled | None:
    """Return the recipe's settings for learning from unlabelled examples, or None."""
    return recipe.training.pseudo_labels or recipe.training.consistency


class _Labeller:
    """A network that gives unlabelled examples their targets and weights."""

    def __init__(self, built: BuiltModel, settings: Unlabelled) -> None:
        self._built, self._settings = built, settings
        self._network = without_views(built.inference_network)
        self.steps_per_epoch = 1
        # Kept apart, as shards are, so that its operations do not depend on how many shards there are.
        apart = {"_noinline": True}
        self._predict = tf.function(self._predicted, autograph=False, experimental_attributes=apart)

    def joined(self, batch: tuple[Any, ...], weak: Any, strong: Any, step: Any) -> tuple[Any, ...]:
        """Return a labelled batch (x, y, ...) with the unlabelled examples, their predicted targets, and weights.

        The weights make the loss the mean over the labelled examples plus the step's weight times the mean over the
        unlabelled ones, of which those below the threshold count as 0.
        """
        ratio = self._settings.ratio
        classes, kept = self._predict(weak)
        y, *weights = self._built.expected(classes, strong)
        share = tf.cast(self._weight(step) * (1 + ratio) / ratio, kept.dtype)
        unlabelled = self._weighted(weights, kept * share, strong)
        labelled = self._weighted(batch[2:], tf.fill(tf.shape(batch[0])[:1], tf.cast(1 + ratio, kept.dtype)), batch[0])

        def both(first: Any, second: Any) -> Any:
            return tf.concat([first, tf.cast(second, first.dtype)], 0)

        return (both(batch[0], strong), *tf.nest.map_structure(both, (batch[1], labelled), (y, unlabelled)))

    def _predicted(self, inputs: Any) -> tuple[Any, Any]:
        """Return the predicted classes (n,) and 1 for those that are certain enough, 0 for the others."""
        assert self._built.scores is not None  # checked in check_unlabelled
        probabilities = self._built.outputs(self._network(inputs, training=False))[self._built.scores]
        certain = tf.reduce_max(probabilities, -1) >= self._settings.threshold
        return tf.argmax(probabilities, -1), tf.cast(certain, probabilities.dtype)

    def _weight(self, step: Any) -> Any:
        """Return the weight of unlabelled examples in a step."""
        settings = self._settings
        start, end = (epoch * self.steps_per_epoch for epoch in (settings.from_epoch, settings.to_epoch))
        step = tf.cast(step, tf.float32)
        rising = (step - start) / (end - start) if end > start else tf.cast(step >= start, tf.float32)
        return settings.weight * tf.clip_by_value(rising, 0.0, 1.0)

    def _weighted(self, given: Any, factor: Any, x: Any) -> Any:
        """Return the weights of a batch times a factor (n,), by output where there are several; penalties keep 1."""
        if given:
            return tf.nest.map_structure(lambda weights: weights * tf.cast(factor, weights.dtype), given[0])
        outputs = self._built.network.output
        if not isinstance(outputs, Mapping):
            return factor
        ones = tf.ones(tf.shape(x)[:1], factor.dtype)
        return {name: ones if is_penalty(output) else factor for name, output in outputs.items()}


def check_unlabelled(splits: Splits, built: BuiltModel, loaded: "LoadedRecipe") -> None:
    """Raise InputError, with its key, when a recipe cannot learn from unlabelled examples."""
    recipe = loaded.recipe
    settings = settings_of(recipe)
    if settings is None:
        return
    key = f"training.{'consistency' if isinstance(settings, Consistency) else 'pseudo_labels'}"
    if built.scores is None or not built.task.stratified:
        raise InputError(f"task {recipe.task.name} has no class for each example to predict", "remove it", key=key)
    if isinstance(splits.train.inputs, Ragged):
        raise InputError("examples of different lengths have no unlabelled batches", "remove it", key=key)
    if splits.unlabelled is None or not len(splits.unlabelled):
        raise InputError(
            "all examples of train keep their labels, so there is nothing unlabelled to learn from",
            "lower data.labelled.per_class, or remove this key",
            key=key,
        )
    for component in augmentations(recipe):
        if taken_by(load("augment", component.name)).others:
            raise InputError(
                f"{component.name} mixes examples, whose classes cannot be predicted", "remove it", key=key
            )
