"""Load initial weights that do not come from the recipe's seed.

They are read only when a training starts: counts, tables and finished runs do not need them.
"""

from typing import TYPE_CHECKING, Any

from dlkit.errors import DlkitError, located
from dlkit.interfaces.model import start_weights_of

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


def load_start_weights(network: Any, loaded: "LoadedRecipe") -> bool:
    """Read a network's initial weights and return whether it has any; errors point to the recipe's model."""
    load = start_weights_of(network)
    if load is None:
        return False
    try:
        load()
    except DlkitError as error:
        key = f"model.{loaded.recipe.model.name}.weights"
        raise located(error, loaded.locate(key)) from error
    return True
