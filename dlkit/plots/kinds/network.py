"""A network as boxes and arrows, with its branches and shapes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from dlkit.figures.network import network_figure

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


def plot(recipe: "LoadedRecipe") -> Mapping[str, Figure]:
    """The network itself: layers with their shapes and parameters, and the branches between them."""
    from dlkit.data.source import build_dataset, describe
    from dlkit.machine.tensorflow import start_tensorflow

    start_tensorflow()
    from dlkit.analysis.graph import boxes_of
    from dlkit.analysis.table import count_parameters
    from dlkit.model.build import build_model

    network = build_model(recipe.recipe, describe(recipe.recipe, build_dataset(recipe.recipe))).network
    boxes = boxes_of(network)
    total = count_parameters(network)["total"]
    return {"network": network_figure(f"{len(boxes)} boxes, {total:,} parameters", boxes)}
