"""Weights that a network begins with and that its recipe's seed does not give.

They are read when a training begins and not before: counts, tables and finished runs do not need them.
"""

from typing import TYPE_CHECKING, Any

from dlkit.errors import DlkitError, located
from dlkit.interfaces.model import start_weights_of

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


def load_start_weights(network: Any, loaded: "LoadedRecipe") -> bool:
    """Read a network's start weights, if it has any; errors point to the recipe's model."""
    load = start_weights_of(network)
    if load is None:
        return False
    try:
        load()
    except DlkitError as error:
        key = f"model.{loaded.recipe.model.name}.weights"
        raise located(error, loaded.locate(key)) from error
    return True
