"""Measure the gradient of the loss by each layer of a network, over its first updates and after training.

Vanishing and exploding gradients: Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward
neural networks"; plain and residual networks: He and others (2015), arXiv 1512.03385.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.formatting import finite
from dlkit.interfaces.reporter import Reporter
from dlkit.model.groups import leaf_layers
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


def gradient_norms(loaded: "LoadedRecipe", first: int, updates: int) -> dict[str, Any]:
    """Return the Frobenius norm of the gradient by each kernel, before each of the `first` updates and after `updates`.

    The updates are those of the recipe's first phase. The gradient is that of the loss of a batch: of the next one for
    the first updates, always of the first one after `updates`. What is not finite is None. Writes nothing.
    """
    training = _started(loaded)
    network = training.steps.network
    kernels = _kernels(network)
    if not kernels:
        raise InputError(f"the network of {loaded.recipe.name} has no layer with a kernel", "choose another recipe")
    norms = _norms(network, [kernel for _, kernel in kernels])
    stream = training.steps.stream(0, max(first, updates))
    rows, losses, after = [], [], None
    at_start = next(iter(training.steps.batches(0, 1)))
    for taken, batch in enumerate(training.steps.batches(0, first), 1):
        rows.append(norms(batch))
        losses.append(finite(training.steps.take(stream, fresh=True)["loss"]))
        if taken == updates:
            after = norms(at_start)
    if updates > first:
        training.steps.take(stream, updates - first)
        after = norms(at_start)
    content: dict[str, Any] = {"layers": [name for name, _ in kernels], "first": rows, "losses": losses}
    return content | {"updates": updates, "after": after}


def _started(loaded: "LoadedRecipe") -> Training:
    """Return the training of the recipe's first phase, without callbacks, ready for its first update."""
    plain = loaded.recipe.training.model_copy(update={"callbacks": []})
    loaded = replace(loaded, recipe=loaded.recipe.model_copy(update={"training": plain}))
    training = Training(loaded.recipe, prepare(loaded), Reporter())
    training.start()
    return training


def _kernels(network: keras.Model) -> list[tuple[str, Any]]:
    """Return the name and the kernel of every layer that is trained, from the input to the output."""
    layers = [layer for layer in leaf_layers(network) if getattr(layer, "kernel", None) is not None]
    trained = {id(variable) for variable in network.trainable_variables}
    return [(layer.name, layer.kernel) for layer in layers if id(layer.kernel) in trained]


def _norms(network: keras.Model, kernels: list[Any]) -> Any:
    """Return a function from a batch to the norms of the gradients by the kernels; it leaves all state as it is."""
    state = network.non_trainable_variables

    @tf.function(autograph=False, reduce_retracing=True)
    def measured(batch: Any) -> list[Any]:
        x, y, *weights = batch
        with keras.StatelessScope([(variable, variable.value) for variable in state]), tf.GradientTape() as tape:
            loss = network.compute_loss(x, y, network(x, training=True), *weights, training=True)
        gradients = tape.gradient(loss, [kernel.value for kernel in kernels])
        return [tf.norm(gradient) if gradient is not None else tf.constant(0.0) for gradient in gradients]

    return lambda batch: [finite(float(value)) for value in np.asarray(measured(batch))]
