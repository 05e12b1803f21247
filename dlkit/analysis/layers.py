"""Look up the facts about a layer by its class."""

from collections.abc import Sequence
from functools import partial
from inspect import signature
from typing import Any

import keras

from dlkit.analysis.facts import LayerFacts, Window, channels_first
from dlkit.analysis.formulas import Formula
from dlkit.analysis.keras_layers import KERAS_LAYERS, along_axis
from dlkit.analysis.reach import Field, Reach, unknown, whole_image


def table_layers(network: keras.Model) -> list[Any]:
    """Return the layers that have a row in the table."""
    return [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]


def output_of(layer: Any) -> Any:
    """Return a layer's output, or the first one of several."""
    return layer.output[0] if isinstance(layer.output, list | tuple) else layer.output


def outputs_where_called(layer: Any) -> list[Any]:
    """Return the tensors that a layer gives in its network; `output` of a nested network is that of its inside."""
    outputs: list[Any] = layer._inbound_nodes[0].outputs
    return outputs


def facts_of(layer: Any) -> LayerFacts:
    """Return the record of a layer's type: its own, that of a Keras layer, or an empty one for an unknown layer."""
    kind = type(layer)
    own: LayerFacts | None = getattr(layer, "layer_facts", None)
    if own is not None:
        return own
    if hasattr(layer, "sliding_window"):
        return _SLIDING_WINDOW
    if isinstance(layer, keras.Model):
        return _FUNCTIONAL if kind.__name__ == "Functional" else _NETWORK
    return KERAS_LAYERS.get(kind.__name__, _NOTHING) if kind.__module__.startswith("keras.") else _NOTHING


def parameter_formula(layer: Any) -> Formula | None:
    """Return the formula of a layer's parameters, or None for a layer without parameters or without a formula."""
    formula = facts_of(layer).parameters
    return formula(layer) if formula and layer.count_params() else None


def reach_of(layer: Any, sizes: Sequence[int | None], flattens: bool = False) -> Field | None:
    """Return a layer's own reach along each dimension, in places of its input; None where unknown.

    flattens: the layer changes the number of dimensions, so a value may depend on all places.
    """
    facts = facts_of(layer)
    if facts.reach is not None:
        own = facts.reach(layer, sizes)
    elif facts.window is not None:
        window = facts.window(layer)
        own = window.reach() if window else None
    else:
        own = whole_image(layer, sizes) if flattens else None
    activation = _activation_reach(layer, sizes)
    if own is None or activation is None or len(own) != len(activation):
        return None
    return tuple(one.followed_by(after) for one, after in zip(own, activation, strict=True))


def _activation_reach(layer: Any, sizes: Sequence[int | None]) -> Field | None:
    """Return the reach of a layer's activation, which may be a layer too; None for one that is not part of Keras."""
    activation = getattr(layer, "activation", None)
    if isinstance(activation, keras.Layer):
        return reach_of(activation, sizes)
    if activation is None:
        return (Reach(),) * len(sizes)
    settings = activation.keywords if isinstance(activation, partial) else {}
    function = activation.func if isinstance(activation, partial) else activation
    if not (getattr(function, "__module__", None) or "").startswith("keras."):
        return None
    taken = signature(function).parameters
    if "axis" not in taken:
        return (Reach(),) * len(sizes)
    channels = 1 if channels_first(layer) else -1
    return along_axis(settings.get("axis", taken["axis"].default), sizes, channels)


def _own_window(layer: Any) -> Window:
    """Return the window of a layer that only provides (kernel, strides, dilation), as `sliding_window`."""
    kernel, strides, dilation = layer.sliding_window
    return Window(kernel, strides, dilation, getattr(layer, "padding", "valid"))


def _sum_of_layers(network: Any) -> Formula | None:
    """Return the sum of the layers' formulas, where every layer with parameters has one."""
    inner = [layer for layer in table_layers(network) if layer.count_params()]
    formulas = [parameter_formula(layer) for layer in inner]
    known = [formula for formula in formulas if formula is not None]
    if len(known) < len(inner):
        return None
    return Formula(" + ".join(formula.text for formula in known), sum(formula.value for formula in known))


_SLIDING_WINDOW = LayerFacts(window=_own_window)
_NETWORK = LayerFacts(reach=unknown)
_FUNCTIONAL = LayerFacts(parameters=_sum_of_layers, reach=unknown)
_NOTHING = LayerFacts()
