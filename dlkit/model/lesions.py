"""Take parts out of a functional network without building it anew: residual blocks, or layers with what follows them.

Veit, Wilber and Belongie (2016), "Residual networks behave like ensembles of relatively shallow networks", arXiv
1605.06431.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from dlkit.interfaces.task import main_output

Operation = Callable[..., Any]


@dataclass(frozen=True)
class Lesion:
    """A part that can be taken out: a residual block, or a layer with its normalization and activation.

    replaced: by the name of an operation, what computes its output instead. layers: the layers with weights that are
    taken out.
    """

    name: str
    replaced: Mapping[str, Operation]
    layers: tuple[str, ...]


def run_graph(network: keras.Model, inputs: Any, operation: Callable[[Any], Operation]) -> Any:
    """Return the main output of a functional network whose operations are computed by `operation(layer)(...)`."""
    functional: Any = getattr(network, "_functional", None) or network
    return main_output(functional._run_through_graph(inputs, operation_fn=operation))


def residual_blocks(network: keras.Model) -> list[Lesion]:
    """Return the residual blocks, in order: an addition of two branches, of which the shortcut has fewer weights.

    Without a block, its shortcut alone is left.
    """
    found = []
    for layer in network.layers:
        if not isinstance(layer, keras.layers.Add) or len(layer._inbound_nodes[0].input_tensors) != 2:
            continue
        branches = [_ancestors(tensor) for tensor in layer._inbound_nodes[0].input_tensors]
        own = [[name for name in _weighted(network) if name in one - other] for one, other in _pairs(branches)]
        if len(own[0]) != len(own[1]):
            keep = 0 if len(own[0]) < len(own[1]) else 1
            found.append(Lesion(layer.name, {layer.name: _input_number(keep)}, tuple(own[1 - keep])))
    return found


def plain_layers(network: keras.Model) -> tuple[list[Lesion], list[str]]:
    """Return the layers with weights that can be taken out, in order, and the names of those that cannot.

    A layer goes with the normalization and the activation that follow it. One that changes the shape of its input has
    to stay, and so do layers of branched networks and the last one.
    """
    found, kept = [], []
    for name in _weighted(network)[:-1]:
        layer = network.get_layer(name)
        group = [layer.name, *_following(layer)]
        last = network.get_layer(group[-1])
        if tuple(layer.input.shape) == tuple(last.output.shape):
            found.append(Lesion(name, dict.fromkeys(group, _input_number(0)), (name,)))
        else:
            kept.append(name)
    return found, kept


def lesions_of(network: keras.Model) -> tuple[str, list[Lesion], list[str]]:
    """Return what a network consists of (`block` or `layer`), what can be taken out, and what cannot."""
    blocks = residual_blocks(network)
    if blocks:
        return "block", blocks, []
    return "layer", *plain_layers(network)


def _input_number(number: int) -> Operation:
    """Return an operation that passes one of its inputs on."""

    def passed(inputs: Any, *_: Any, **__: Any) -> Any:
        return inputs[number] if isinstance(inputs, list | tuple) else inputs

    return passed


def _pairs(branches: list[set[str]]) -> list[tuple[set[str], set[str]]]:
    first, second = branches
    return [(first, second), (second, first)]


def _ancestors(tensor: Any) -> set[str]:
    """Return the names of all operations that a tensor depends on."""
    found: set[str] = set()
    waiting = [tensor._keras_history.operation]
    while waiting:
        operation = waiting.pop()
        if operation.name not in found:
            found.add(operation.name)
            waiting += [parent._keras_history.operation for parent in operation._inbound_nodes[0].input_tensors]
    return found


def _weighted(network: keras.Model) -> list[str]:
    """Return the names of convolutions and dense layers, in order."""
    return [layer.name for layer in network.layers if getattr(layer, "kernel", None) is not None]


def _following(layer: Any) -> Iterator[str]:
    """Yield the names of the normalization, activation and dropout that follow a layer one by one."""
    kinds = (keras.layers.BatchNormalization, keras.layers.Activation, keras.layers.ReLU, keras.layers.Dropout)
    nodes = layer._outbound_nodes
    while len(nodes) == 1 and isinstance(nodes[0].operation, kinds):
        yield nodes[0].operation.name
        nodes = nodes[0].operation._outbound_nodes
