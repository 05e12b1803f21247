"""The first layers of another run's network."""

from pathlib import Path
from typing import Any

import keras

from dlkit.components import create
from dlkit.data_source import build_dataset, describe, stored_description
from dlkit.datasets._dataset import ArraySpec, Description
from dlkit.errors import InputError, MissingError, closest
from dlkit.models._backbone import backbone_of
from dlkit.models._weight_files import load_weight_file
from dlkit.recipe import load_recipe, shipped_recipes
from dlkit.recipe.schema import Recipe
from dlkit.run_directory import RunDirectory
from dlkit.source_run import find_source, with_kept_source
from dlkit.tasks._task import Task, main_output


class RunLayers:
    """A run's network up to a layer, built from the run's recipe; its weights are read by `load`.

    reference: a run directory or a recipe's name. A shipped recipe that has no run yet is built as it is shipped.
    """

    def __init__(self, reference: str, upto: str, inputs: ArraySpec) -> None:
        self.reference = reference
        recipe, description = _recipe_of(reference)
        task: Task = create(recipe.task)
        self.network: keras.Model = create(recipe.model, inputs, task.target_spec(description))
        self.backbone = backbone_of(self.network.input, self._output_of(upto), pretrained=True)

    def load(self) -> None:
        """Read the weights of the run's last checkpoint."""
        load_weight_file(self.network, find_source(self.reference).checkpoint("last"))

    def _output_of(self, upto: str) -> Any:
        names = [layer.name for layer in self.network.layers[1:]]
        if upto not in names:
            raise InputError(f"the network of {self.reference} has no layer {upto!r}", closest(upto, names))
        return main_output(self.network.get_layer(upto).output)


def _recipe_of(reference: str) -> tuple[Recipe, Description]:
    try:
        run = find_source(reference)
    except MissingError:
        name = Path(reference).stem
        if name not in shipped_recipes():
            raise
        recipe = load_recipe(name).recipe
        return recipe, describe(recipe, build_dataset(recipe))
    return _loaded(run), stored_description(run)


def _loaded(run: RunDirectory) -> Recipe:
    return with_kept_source(load_recipe(run.resolved_recipe), run).recipe
