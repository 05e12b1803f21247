"""Which units of a network never answer, and which are saturated, measured over examples."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from dlkit.analysis.receptive_field import calls

SATURATED = 0.99  # of the way to an end: there, the slope of tanh is 2 % of its largest
RECTIFIERS, SQUASHERS = ("relu", "relu6"), {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


@dataclass(frozen=True)
class Activity:
    """The units of one hidden layer: the share that never answers, and the shares of values at the lower and upper end.

    stuck: the share of units of which every value is at an end. None where the activation has no such state.
    """

    layer: str
    units: int
    dead: float | None = None
    low: float | None = None
    high: float | None = None
    stuck: float | None = None


def activities(network: keras.Model, inputs: np.ndarray) -> list[Activity]:
    """Return the activity of every hidden layer with relu, sigmoid or tanh, for network inputs (n, ...)."""
    return [_activity(name, kind, values) for name, kind, values in _hidden(network, inputs, at_the_end=True)]


def _hidden(model: keras.Model, inputs: Any, at_the_end: bool) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield name, activation and values (n, ..., units) of layers; those of models inside a model too.

    at_the_end: whether the model's outputs are those of the whole network, which are not hidden.
    """
    final = {id(tensor) for tensor in keras.tree.flatten(model.output)} if at_the_end else set()
    nodes = [node for node in calls(model) if len(node.input_tensors) == len(node.output_tensors) == 1]
    nested = [node for node in nodes if hasattr(node.operation, "layers") and hasattr(node.operation, "inputs")]
    chosen = [node for node in nodes if _kind(node.operation) and id(node.output_tensors[0]) not in final]
    asked = [node.output_tensors[0] for node in chosen] + [node.input_tensors[0] for node in nested]
    found = keras.tree.flatten(keras.Model(model.inputs, asked)([inputs], training=False)) if asked else []
    for node, values in zip(chosen, found[: len(chosen)], strict=True):
        yield node.operation.name, _kind(node.operation), np.asarray(values, np.float32)
    for node, values in zip(nested, found[len(chosen) :], strict=True):
        yield from _hidden(node.operation, values, id(node.output_tensors[0]) in final)


def _kind(layer: Any) -> str:
    """Return the activation of a layer if it has one of interest; cells of recurrent layers are left out."""
    if hasattr(layer, "cell"):
        return ""
    own = getattr(getattr(layer, "activation", None), "__name__", "")
    name = "relu" if isinstance(layer, keras.layers.ReLU) else own
    return name if name in RECTIFIERS or name in SQUASHERS else ""


def _activity(name: str, kind: str, values: np.ndarray) -> Activity:
    rows = values.reshape(-1, values.shape[-1])
    if kind in RECTIFIERS:
        return Activity(name, rows.shape[1], dead=float((rows.max(axis=0) <= 0).mean()))
    low, high = SQUASHERS[kind]
    place = (rows - low) / (high - low)
    at_low, at_high = place < (1 - SATURATED) / 2, place > (1 + SATURATED) / 2
    stuck = at_low.all(axis=0) | at_high.all(axis=0)
    return Activity(name, rows.shape[1], None, float(at_low.mean()), float(at_high.mean()), float(stuck.mean()))
