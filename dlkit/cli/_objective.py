"""What `search` and `sweep` do before they train: build the network with the values to try."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe
    from dlkit.recipe.space import LoadedSearch


def objective(loaded: "LoadedRecipe", found: "LoadedSearch", what: str) -> tuple[str, str]:
    """Start TensorFlow and check what can be tried, named `what`; return the metric to compare, and its direction."""
    from dlkit import console
    from dlkit.machine.tensorflow import start_tensorflow

    with console.waiting(f"checking the {what}"):
        start_tensorflow()
        from dlkit.experiments.objective import check_objective

        return check_objective(loaded, found)
