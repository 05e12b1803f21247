"""Build the lecture's table of a network: one row per layer with output shape, parameters and their formulas."""

from dataclasses import dataclass
from math import prod
from typing import Any

import keras

from dlkit.analysis.facts import shape_in, spatial
from dlkit.analysis.formulas import Formula
from dlkit.analysis.layers import facts_of, output_of, parameter_formula, table_layers
from dlkit.errors import CheckError


@dataclass(frozen=True)
class Row:
    """One layer: its class, name, output shape without the batch, and number of parameters.

    frozen: whether training leaves its weights as they are; None for a layer without weights, or with layers of both
    kinds. inner: the rows of a nested network, if they were asked for.
    """

    layer: str
    name: str
    output_shape: list[int | None]
    parameters: int
    frozen: bool | None
    inner: list["Row"]


@dataclass(frozen=True)
class Explanation:
    """The arithmetic of one layer, if it has any: output sizes, parameters, and notes on special features."""

    sizes: list[Formula]
    parameters: Formula | None
    notes: list[str]


def layer_rows(network: keras.Model, unfold: bool = False) -> list[Row]:
    """Return the rows of a network's table, without its inputs; unfold: with the rows of nested networks."""
    return [_row(layer, unfold) for layer in table_layers(network)]


def count_parameters(network: keras.Model) -> dict[str, int]:
    """Return the total, trainable and non_trainable parameters, without random-number states."""
    trainable = sum(prod(weight.shape) for weight in network.trainable_weights)
    total = sum(prod(weight.shape) for weight in network.weights)
    return {"total": total, "trainable": trainable, "non_trainable": total - trainable}


def explain(network: keras.Model) -> list[Explanation]:
    """Return the formulas behind every row; raise CheckError when a value differs from what Keras reports."""
    explanations = []
    for layer in table_layers(network):
        notes = facts_of(layer).notes
        explanation = Explanation(_size_formulas(layer), parameter_formula(layer), notes(layer) if notes else [])
        _check(layer, explanation)
        explanations.append(explanation)
    return explanations


def _row(layer: Any, unfold: bool = False) -> Row:
    shape, nested = list(output_of(layer).shape[1:]), isinstance(layer, keras.Model)
    inner = layer_rows(layer, unfold) if unfold and nested else []
    return Row(type(layer).__name__, layer.name, shape, layer.count_params(), _frozen(layer), inner)


def _frozen(layer: Any) -> bool | None:
    """Return whether a layer's weights are frozen; None without weights, or if a nested network has both kinds."""
    if not isinstance(layer, keras.Model):
        return not layer.trainable if layer.weights else None
    states = {_frozen(part) for part in table_layers(layer) if part.weights}
    return states.pop() if len(states) == 1 else None


def _check(layer: Any, explanation: Explanation) -> None:
    """Raise CheckError when a formula's value differs from what Keras reports."""
    row = _row(layer)
    sizes = [formula.value for formula in explanation.sizes]
    if explanation.parameters is not None and explanation.parameters.value != row.parameters:
        raise CheckError(f"{row.name}: {explanation.parameters}, but Keras reports {row.parameters:,} parameters")
    if sizes and sizes != spatial(layer, output_of(layer).shape):
        raise CheckError(f"{row.name}: sizes {sizes}, but Keras reports the shape {row.output_shape}")


def _size_formulas(layer: Any) -> list[Formula]:
    """Return one formula per dimension of a convolution or pooling layer whose input size is known."""
    window = (find := facts_of(layer).window) and find(layer)
    return window.output_sizes(spatial(layer, shape_in(layer))) if window else []
