"""A network's layers with fewer filters and units, for nets that are not written here."""

from typing import Any

import keras

from dlkit.catalog.create import locate
from dlkit.errors import InputError, keras_reason

_WIDTHS = ("filters", "units")


def narrow_layers(stack: list[Any], divisor: int) -> list[Any]:
    """The layers, not yet built, with filters and units divided by `divisor` in all but the last that has any."""
    wide = [layer for layer in stack if _width(layer)]
    return [_narrowed(layer, divisor) if layer in wide[:-1] else layer for layer in stack]


def narrow_network(network: keras.Model, name: str, divisor: int) -> keras.Model:
    """A copy of a functional network with new weights and divided widths, its head left alone.

    Raises InputError when a layer depends on the width of another in a way that its settings do not say.
    """
    head = next(layer for layer in reversed(network.layers) if _width(layer))
    try:
        return keras.models.clone_model(
            network, clone_function=lambda layer: _narrowed(layer, 1 if layer is head else divisor)
        )
    except (ValueError, TypeError) as error:
        cause = keras_reason(error.__context__ if isinstance(error.__context__, ValueError) else error)
        raise InputError(
            f"the widths of {name} cannot be divided: {cause}", "leave width_divisor out, or take another net"
        ) from error


def _width(layer: Any) -> bool:
    return any(isinstance(getattr(layer, key, None), int) for key in _WIDTHS)


def _narrowed(layer: Any, divisor: int) -> Any:
    """A new layer of the same settings with divided widths; its place in the recipe stays known."""
    if isinstance(layer, keras.layers.Wrapper):
        raise InputError(
            f"width_divisor does not reach into {type(layer).__name__}", "write the widths out", location=locate(layer)
        )
    config = layer.get_config()
    config |= {key: max(1, config[key] // divisor) for key in _WIDTHS if isinstance(config.get(key), int)}
    copy = type(layer).from_config(config)
    copy.__dict__["_recipe_location"] = locate(layer)
    return copy
