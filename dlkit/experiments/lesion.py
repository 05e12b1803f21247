"""Take each residual block, or each layer of a plain network, out of a trained network, and measure what is lost.

The statistics of batch normalization belong to the whole network; so each lesion is measured with them as they are, and
with statistics estimated again on examples of train.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from math import comb
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.data.batches import examples
from dlkit.errors import InputError
from dlkit.experiments.cross_entropy import cross_entropies
from dlkit.interfaces.data import Split
from dlkit.model.digest import weights_digest
from dlkit.model.lesions import Lesion, lesions_of, run_graph
from dlkit.model.splits import read_unchanged
from dlkit.model.trained import TrainedModel

RESULTS = "lesion.json"
BATCH, ESTIMATED_ON = 256, 10
SAMPLES, GRADIENT_EXAMPLES = 20, 64


def measure_lesions(
    trained: TrainedModel, count: int, seed: int, done: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Measure a run without each of its parts, or continue; write the results into the run and return them.

    count: examples of validation (or train, where nothing is held out). done: receives every part.
    """
    built = trained.built
    if built.scores is None or not built.task.stratified:
        raise InputError(f"{trained.run.path} does not classify", "choose a run with task: classification")
    unit, lesions, kept = lesions_of(built.network)
    if not lesions:
        hint = "choose a network with residual blocks, or with layers that keep the shape of their input"
        raise InputError(f"nothing can be taken out of the network of {trained.run.path}", hint)
    bench = _Bench(trained, count, seed)
    settings: dict[str, Any] = {"checkpoint": trained.checkpoint, "examples": len(bench.held), "seed": seed}
    settings |= {"weights": weights_digest(built.network.variables)}
    before = trained.run.read_json(RESULTS)
    known = before.get("lesions", []) if before.get("settings") == settings else []
    content: dict[str, Any] = {"settings": settings, "unit": unit, "whole": bench.accuracy({}), "kept": kept}
    content |= {"lesions": list(known)}
    for lesion in lesions[len(known) :]:
        entry = {"name": lesion.name, "layers": list(lesion.layers)} | bench.both(lesion.replaced)
        content["lesions"].append(entry)
        trained.run.write_json(RESULTS, content)
        done(entry)
    if unit == "block":
        content["paths"] = path_lengths(trained, lesions, bench.train, seed)
        trained.run.write_json(RESULTS, content)
    return {"run": str(trained.run.path), "recipe": trained.loaded.recipe.name} | content


class _Bench:
    """A trained network, the examples on which it is measured, and those on which statistics are estimated."""

    def __init__(self, trained: TrainedModel, count: int, seed: int) -> None:
        self._built = trained.built
        self._norms = [layer for layer in self._built.network.layers if _has_statistics(layer)]
        has_validation = trained.loaded.recipe.data.validation != "none"
        self.held = read_unchanged(trained, "validation" if has_validation else "train").drawn(count, seed)
        train = read_unchanged(trained, "train")
        whole = len(train) // BATCH * BATCH  # a last, smaller batch would count as much as the others
        self.train = train.drawn(min(whole or len(train), BATCH * ESTIMATED_ON), seed)

    def both(self, replaced: Mapping[str, Any]) -> dict[str, float | None]:
        """Return the accuracy without a part, with the statistics as they are and estimated again (None without)."""
        found: dict[str, float | None] = {"accuracy": self.accuracy(replaced), "reestimated": None}
        if self._norms:
            with _kept(self._norms):
                self._estimate(replaced)
                found["reestimated"] = self.accuracy(replaced)
        return found

    def accuracy(self, replaced: Mapping[str, Any]) -> float:
        """Return the share of right classes."""
        outputs = self._graph(replaced, training=False)
        right = [
            np.argmax(np.asarray(outputs(inputs)), -1) == np.asarray(targets)
            for _, inputs, targets in examples(self.held, BATCH)
        ]
        return float(np.concatenate(right).mean())

    def _estimate(self, replaced: Mapping[str, Any]) -> None:
        """Set the statistics to those of all examples of train together, from those of its batches."""
        momenta = [layer.momentum for layer in self._norms]
        for layer in self._norms:
            layer.momentum = 0.0  # what a batch leaves is its own statistics
        outputs = self._graph(replaced, training=True)
        batches: list[list[np.ndarray]] = []
        for _, inputs, _ in examples(self.train, BATCH):
            outputs(inputs)
            batches.append([variable.numpy() for variable in _all_statistics(self._norms)])
        by_variable = [np.stack(values) for values in zip(*batches, strict=True)]
        for layer, means, variances in zip(self._norms, by_variable[::2], by_variable[1::2], strict=True):
            layer.moving_mean.assign(means.mean(0))
            layer.moving_variance.assign(variances.mean(0) + means.var(0))
        for layer, momentum in zip(self._norms, momenta, strict=True):
            layer.momentum = momentum

    def _graph(self, replaced: Mapping[str, Any], training: bool) -> Any:
        """Return a function from raw inputs to class probabilities; training: of batch normalization alone."""

        def operation(layer: Any) -> Any:
            if layer.name in replaced:
                return replaced[layer.name]
            words = {"training": training} if _has_statistics(layer) else {}
            return lambda *arguments, **named: layer(*arguments, **(named | words))

        def outputs(inputs: Any) -> Any:
            x = self._built.preprocess(inputs, training=False)
            found = self._built.outputs(run_graph(self._built.network, x, operation))
            return found[str(self._built.scores)]

        return tf.function(outputs, autograph=False, reduce_retracing=True)


def path_lengths(trained: TrainedModel, blocks: Sequence[Lesion], train: Split, seed: int) -> list[dict[str, Any]]:
    """Return, by number of blocks on a path, how many paths there are and how large their gradients are.

    Of n blocks, C(n, k) paths go through k. The gradient is that of the loss by the input of the network along paths
    through k blocks, drawn: backwards, a block passes its gradient only to its branch, or only to its shortcut.
    """
    gradient_of = gradient_along(trained, blocks, train)
    draws, count = np.random.default_rng(seed), len(blocks)
    found = []
    for length in range(count + 1):
        masks = [draws.permutation(np.arange(count) < length) for _ in range(SAMPLES)]
        norms = [float(np.linalg.norm(gradient_of(tf.constant(mask, tf.float32)))) for mask in masks]
        paths = comb(count, length)
        gradient = float(np.mean(norms))
        found.append({"blocks": length, "paths": paths, "gradient": gradient, "total": paths * gradient})
    return found


def gradient_along(trained: TrainedModel, blocks: Sequence[Lesion], train: Split) -> Any:
    """Return a function from a mask of blocks (n,) to the gradient by the inputs along the path through them.

    The gradients along all 2^n paths add up to the whole one.
    """
    built = trained.built
    _, inputs, targets = next(iter(examples(train, GRADIENT_EXAMPLES)))
    x = tf.convert_to_tensor(built.preprocess(inputs, training=False))
    shortcuts = [block.replaced[block.name] for block in blocks]
    numbers = {block.name: number for number, block in enumerate(blocks)}

    @tf.function(autograph=False)
    def gradient(mask: Any) -> Any:
        def operation(layer: Any) -> Any:
            if layer.name not in numbers:
                words = {"training": False} if _has_statistics(layer) else {}
                return lambda *arguments, **named: layer(*arguments, **(named | words))
            number = numbers[layer.name]
            return lambda added: _gated_sum(added, shortcuts[number](added), mask[number])

        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean(cross_entropies(built, run_graph(built.network, x, operation), targets))
        return tape.gradient(loss, x)

    return gradient


def _gated_sum(added: Sequence[Any], shortcut: Any, through: Any) -> Any:
    """Return the sum of a block's branches, whose gradient goes to one: the shortcut (through 0) or the other (1)."""
    return sum(_gated(branch, 1 - through if branch is shortcut else through) for branch in added)


def _gated(value: Any, share: Any) -> Any:
    """Return a value whose gradient is multiplied by a share."""
    return tf.stop_gradient(value) + share * (value - tf.stop_gradient(value))


def _has_statistics(layer: Any) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization)


def _statistics(layer: Any) -> list[Any]:
    return [layer.moving_mean, layer.moving_variance]


def _all_statistics(layers: Sequence[Any]) -> list[Any]:
    return [variable for layer in layers for variable in _statistics(layer)]


@contextmanager
def _kept(layers: Sequence[Any]) -> Any:
    """Put the layers' statistics back at the end."""
    values = [variable.numpy() for variable in _all_statistics(layers)]
    try:
        yield
    finally:
        for variable, value in zip(_all_statistics(layers), values, strict=True):
            variable.assign(value)
