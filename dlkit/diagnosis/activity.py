"""Which units of a network never answer, and which are saturated, measured over examples."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

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
    hidden = list(_hidden(network, inputs))
    return [_activity(name, kind, values) for name, kind, values in hidden]


def _hidden(model: keras.Model, inputs: Any, outermost: bool = True) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield name, activation and values (n, ..., units) of layers; those of models inside a model too."""
    final = {id(tensor) for tensor in keras.tree.flatten(model.output)} if outermost else set()
    chosen = [layer for layer in model.layers if _kind(layer) and id(_output(layer)) not in final]
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model) and _single(layer)]
    asked = [_output(layer) for layer in chosen] + [layer.input for layer in nested]
    if not asked:
        return
    try:
        found = keras.tree.flatten(keras.Model(model.inputs, asked)([inputs], training=False))
    except ValueError:  # an inner tensor that cannot be reached from the inputs
        return
    for layer, values in zip(chosen, found[: len(chosen)], strict=True):
        yield layer.name, _kind(layer), np.asarray(values, np.float32)
    for layer, values in zip(nested, found[len(chosen) :], strict=True):
        last = id(_output(layer)) in final
        yield from _hidden(layer, values, last)


def _single(model: Any) -> bool:
    return bool(model.built and len(getattr(model, "inputs", None) or ()) == 1)


def _output(layer: Any) -> Any:
    try:
        return layer.output
    except (AttributeError, ValueError):
        return None


def _kind(layer: Any) -> str:
    """Return the activation of a layer if it has one of interest; cells of recurrent layers are left out."""
    if hasattr(layer, "cell") or isinstance(_output(layer), list | tuple | dict | None):
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
