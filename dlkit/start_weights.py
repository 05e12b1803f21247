"""Weights that a network begins with and that its recipe's seed does not give.

They are read when a training begins and not before: counts, tables and finished runs do not need them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dlkit.data_source import located
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe

_ATTRIBUTE = "_dlkit_start_weights"


def set_start_weights(network: Any, load: Callable[[], None]) -> None:
    """Let a builder say how its network's weights are read; `load` raises DlkitError when they cannot be had."""
    network.__dict__[_ATTRIBUTE] = load


def load_start_weights(network: Any, loaded: "LoadedRecipe") -> bool:
    """Read a network's start weights, if it has any; errors point to the recipe's model."""
    load: Callable[[], None] | None = network.__dict__.get(_ATTRIBUTE)
    if load is None:
        return False
    try:
        load()
    except DlkitError as error:
        key = f"model.{loaded.recipe.model.name}.weights"
        raise located(error, loaded.locate(key)) from error
    return True
