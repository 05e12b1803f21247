"""The cost of each layer for one example: multiply-adds, memory of the output, and receptive field.

Of sequences of any length, the first two are those of one step.
"""

from dataclasses import dataclass
from math import ceil, isinf, prod
from typing import Any

import keras
import numpy as np

from dlkit.analysis.facts import one_step
from dlkit.analysis.layers import facts_of, output_of, table_layers
from dlkit.analysis.reach import Field
from dlkit.analysis.receptive_field import fields


@dataclass(frozen=True)
class Cost:
    """One layer's cost for one example; None where it varies or is unknown, and [] for the field without an image."""

    multiply_adds: int | None
    activation_bytes: int | None
    receptive_field: list[int] | None


def layer_costs(network: keras.Model) -> list[Cost]:
    """Return the cost of every row of a network's table."""
    found = fields(network)
    return [_cost(layer, found.get(id(output_of(layer)))) for layer in table_layers(network)]


def total_cost(network: keras.Model, costs: list[Cost]) -> dict[str, Any]:
    """Return the totals of `summary --cost`, the largest receptive field, and the layers without multiply-adds."""
    uncounted = [
        layer.name for layer, cost in zip(table_layers(network), costs, strict=True) if cost.multiply_adds is None
    ]
    sizes = [cost.activation_bytes for cost in costs]
    seen = [cost.receptive_field for cost in costs if cost.receptive_field]
    known = None if any(cost.receptive_field is None for cost in costs) else seen
    return {
        "multiply_adds": sum(cost.multiply_adds or 0 for cost in costs),
        "activation_bytes": None if None in sizes else sum(size or 0 for size in sizes),
        "receptive_field": [max(sides) for sides in zip(*known, strict=True)] if known else None,
        "uncounted": uncounted,
    }


def _cost(layer: Any, field: Field | None) -> Cost:
    return Cost(_multiply_adds(layer), _bytes(output_of(layer)), None if field is None else _seen(field))


def _seen(field: Field) -> list[int] | None:
    """Return how many pixels a value depends on along each dimension; None where one is unknown."""
    return None if any(isinf(reach.size) for reach in field) else [ceil(reach.size) for reach in field]


def _bytes(output: Any) -> int | None:
    """Return the bytes of one example's output, or of one step of it, in its own dtype.

    Under mixed_bfloat16, a value has two.
    """
    sizes, dtype = one_step(output.shape[1:]), keras.backend.standardize_dtype(output.dtype)
    return None if None in sizes else prod(sizes) * (2 if dtype == "bfloat16" else np.dtype(dtype).itemsize)


def _multiply_adds(layer: Any) -> int | None:
    """Return the multiplications by weights; normalisation has none, because the layer before it can absorb it."""
    if isinstance(layer, keras.Model):
        inner = [_multiply_adds(part) for part in table_layers(layer)]
        return None if None in inner else sum(count or 0 for count in inner)
    count = facts_of(layer).multiply_adds
    if count is None:
        return None if layer.weights else 0
    try:
        return count(layer).value
    except TypeError:  # a size that varies
        return None
