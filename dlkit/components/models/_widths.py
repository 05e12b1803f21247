"""Narrower versions of a network's layers, with fewer filters and units, for networks defined elsewhere."""

from typing import Any

import keras

from dlkit.catalog.create import locate
from dlkit.errors import InputError, keras_reason

_WIDTHS = ("filters", "units")


def narrow_layers(stack: list[Any], divisor: int) -> list[Any]:
    """Return the unbuilt layers with filters and units divided by `divisor` in all but the last that has any."""
    wide = [layer for layer in stack if _width(layer)]
    return [_narrowed(layer, divisor) if layer in wide[:-1] else layer for layer in stack]


def narrow_network(network: keras.Model, name: str, divisor: int) -> keras.Model:
    """Return a copy of a functional network with new weights and divided widths, except in its head.

    Raises InputError if a layer depends on the width of another one in a way that its settings do not express.
    """
    head = next(layer for layer in reversed(network.layers) if _width(layer))
    try:
        return keras.models.clone_model(
            network, clone_function=lambda layer: _narrowed(layer, 1 if layer is head else divisor)
        )
    except (ValueError, TypeError) as error:
        cause = keras_reason(error.__context__ if isinstance(error.__context__, ValueError) else error)
        raise InputError(
            f"the widths of {name} cannot be divided: {cause}", "remove width_divisor, or use another network"
        ) from error


def _width(layer: Any) -> bool:
    return any(isinstance(getattr(layer, key, None), int) for key in _WIDTHS)


def _narrowed(layer: Any, divisor: int) -> Any:
    """Return a new layer with the same settings and recipe location, but divided widths."""
    if isinstance(layer, keras.layers.Wrapper):
        raise InputError(
            f"width_divisor does not apply inside {type(layer).__name__}",
            "set the widths in the recipe instead",
            location=locate(layer),
        )
    config = layer.get_config()
    config |= {key: max(1, config[key] // divisor) for key in _WIDTHS if isinstance(config.get(key), int)}
    copy = type(layer).from_config(config)
    copy.__dict__["_recipe_location"] = locate(layer)
    return copy
