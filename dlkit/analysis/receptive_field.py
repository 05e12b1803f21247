"""Compute receptive fields: the input pixels that a value depends on, layer by layer and for each dimension."""

from collections.abc import Iterator, Sequence
from math import lcm
from typing import Any

import keras

from dlkit.analysis.facts import spatial
from dlkit.analysis.layers import facts_of, reach_of
from dlkit.analysis.reach import Field, Reach, widest


def receptive_field(network: keras.Model, dimension: int | None = None) -> Reach | None:
    """Return the reach of a network's output along a dimension, or the widest of all dimensions.

    None where a layer sees the whole image, or the reach is unknown.
    """
    output = network.output["output"] if isinstance(network.output, dict) else network.output
    field = fields(network)[id(output)]
    if not field:
        return None
    reach = widest(field) if dimension is None else field[dimension]
    return reach if reach.local else None


def grid_of(network: keras.Model, dimension: int | None = None) -> int:
    """Return the step of the deepest layer in input pixels, along one dimension or all, also for unknown reaches."""
    found = fields(network)
    outputs = [found[id(output)] for output in network.outputs]
    wanted = [field if dimension is None else field[dimension : dimension + 1] for field in outputs]
    return lcm(*(reach.grid for field in wanted for reach in field))


def fields(network: keras.Model) -> dict[int, Field]:
    """Return the reaches of every tensor of a functional network, by the tensor's id."""
    found = {id(tensor): (Reach(),) * max(len(tensor.shape) - 2, 0) for tensor in network.inputs}
    for node in calls(network):
        inputs = [found[id(tensor)] for tensor in node.input_tensors][: facts_of(node.operation).reads]
        for output in node.output_tensors if inputs else []:
            found[id(output)] = _behind(node.operation, _merged(inputs), node.input_tensors[0], output)
    return found


def calls(network: Any) -> Iterator[Any]:
    """Yield the calls of operations in order of execution."""
    by_depth = getattr(network, "_functional", network)._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        yield from by_depth[depth]


def _merged(paths: Sequence[Field]) -> Field:
    """Return the widest of several paths; unknown where they differ in their number of dimensions."""
    most = max(paths, key=len)
    if any(len(path) < len(most) for path in paths):
        return tuple(reach.unknown() for reach in most)
    return tuple(widest(reaches) for reaches in zip(*paths, strict=True))


def _behind(operation: Any, field: Field, tensor: Any, output: Any) -> Field:
    """Return the field of an output value when an input value has the field `field`."""
    if all(reach.step == 0 for reach in field):  # no longer an image
        return field
    own = reach_of(operation, spatial(operation, tensor.shape), flattens=len(output.shape) != len(tensor.shape))
    if own is None or len(own) != len(field):
        return tuple(reach.unknown() for reach in field)
    return tuple(reach.followed_by(layer) for reach, layer in zip(field, own, strict=True))
