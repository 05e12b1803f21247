"""Read a network as boxes and the connections between them, as a figure shows it."""

from dataclasses import dataclass, replace
from typing import Any

import keras

from dlkit.analysis.receptive_field import calls

INTO = ("BatchNormalization", "Activation", "ReLU", "LeakyReLU", "Dropout", "SpatialDropout2D")
"""What joins the box of the layer before it."""


@dataclass(frozen=True)
class Box:
    """One call of a layer, with what follows it directly.

    kind: the layer's class. title, detail: two lines of text. parents: the numbers of the boxes that it reads.
    level: the length of the longest path from an input.
    """

    kind: str
    title: str
    detail: str
    parents: tuple[int, ...]
    level: int


def boxes_of(network: keras.Model) -> list[Box]:
    """Return the boxes of a functional network, each after those that it reads."""
    boxes: list[Box] = []
    place_of: dict[int, int] = {}
    nodes = list(calls(network))
    readers: dict[int, int] = {}
    for node in nodes:
        for tensor in node.input_tensors:
            readers[id(tensor)] = readers.get(id(tensor), 0) + 1
    for node in nodes:
        layer = node.operation
        parents = tuple(dict.fromkeys(place_of[id(tensor)] for tensor in node.input_tensors))
        alone = len(parents) == 1 and readers[id(node.input_tensors[0])] == 1
        if alone and type(layer).__name__ in INTO and boxes[parents[0]].parents:
            number = parents[0]
            boxes[number] = replace(boxes[number], title=f"{boxes[number].title} + {_short(layer)}")
        else:
            level = 1 + max((boxes[parent].level for parent in parents), default=-1)
            number = len(boxes)
            boxes.append(Box(type(layer).__name__, _title(layer), _detail(layer, node), parents, level))
        for tensor in node.output_tensors:
            place_of[id(tensor)] = number
    return boxes


def _title(layer: Any) -> str:
    """Return a layer's class with what distinguishes it: the kernel and the number of filters or units."""
    name = type(layer).__name__
    kernel = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    size = "x".join(map(str, kernel)) if isinstance(kernel, tuple | list) else ""
    if isinstance(layer, keras.Model):
        return f"{layer.name}"
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return " ".join(filter(None, (name, size, activation if activation != "linear" else "")))


def _short(layer: Any) -> str:
    """Return the name of a layer that joins another box."""
    short = {"BatchNormalization": "BN", "Dropout": f"drop {getattr(layer, 'rate', '')}"}
    if type(layer).__name__ == "Activation":
        return str(layer.activation.__name__)
    return short.get(type(layer).__name__, type(layer).__name__)


def _detail(layer: Any, node: Any) -> str:
    shape = "x".join("?" if side is None else str(side) for side in node.output_tensors[0].shape[1:])
    count = layer.count_params() if isinstance(layer, keras.Layer) and layer.built else 0
    return f"{shape}, {count:,}" if count else shape
