"""Build a recipe's network, which may start with the first layers of another run's network."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from dlkit.analysis.layers import outputs_where_called
from dlkit.catalog.create import Component, create
from dlkit.components.models._backbone import backbone_of
from dlkit.components.models._weight_files import load_weight_file
from dlkit.data.source import build_dataset, describe, stored_description
from dlkit.errors import InputError, MissingError, closest
from dlkit.interfaces.data import ArraySpec, Description
from dlkit.interfaces.model import SourceLayers
from dlkit.interfaces.task import TargetSpec, Task
from dlkit.model.class_units import with_class_units
from dlkit.recipe import load_recipe, shipped_recipes
from dlkit.recipe.schema import Recipe
from dlkit.runs.directory import RunDirectory
from dlkit.runs.parents import find_source, with_kept_source

KEYS = ("run", "upto")


def create_network(model: Component, inputs: ArraySpec, targets: TargetSpec) -> keras.Model:
    """Build a recipe's network; raise InputError or MissingError when the run that it builds on is missing."""
    model = with_class_units(model, targets)
    weights = model.settings.get("weights")
    if isinstance(weights, Mapping):
        source = SourceLayers(lambda: _source_layers(weights, inputs))
        model = replace(model, settings=model.settings | {"weights": source})
    network = create(model, inputs, targets)
    if not isinstance(network, keras.Model):
        raise InputError(
            f"the builder of {model.name} returns {type(network).__name__}, not a keras.Model",
            "end it with return keras.Model(inputs, outputs)",
        )
    return network


def _source_layers(weights: Mapping[str, Any], inputs: ArraySpec) -> tuple[keras.Model, Callable[[], None]]:
    """Build the layers that {run: RUN, upto: LAYER} names, for inputs of this shape; raise InputError for other keys.

    RUN is a run directory or a recipe's name. A shipped recipe without a run is built as shipped; reading its weights
    then raises MissingError.
    """
    for key in weights:
        if key not in KEYS:
            raise InputError(f"unknown key {key!r} in weights", closest(str(key), list(KEYS)))
    if set(weights) != set(KEYS):
        raise InputError("the weights of another run need run and upto", "such as weights: {run: RUN, upto: LAYER}")
    reference, upto = str(weights["run"]), str(weights["upto"])
    recipe, description = _recipe_of(reference)
    network = _network_of(recipe, description, inputs)
    backbone = backbone_of(network.input, _output_of(network, upto, reference), pretrained=True)
    return backbone, lambda: load_weight_file(network, find_source(reference).checkpoint("last"))


def _network_of(recipe: Recipe, description: Description, inputs: ArraySpec) -> keras.Model:
    """Build another run's network with the same layer names as in its own summary.

    Keras numbers the layers of each kind throughout a process, so this resets the numbers and creates the preprocess
    layers, which count too.
    """
    keras.utils.clear_session(free_memory=False)
    for component in recipe.data.preprocess:
        create(component)
    task: Task = create(recipe.task)
    return create_network(recipe.model, inputs, task.target_spec(description))


def _output_of(network: keras.Model, upto: str, reference: str) -> Any:
    names = [layer.name for layer in network.layers[1:]]
    if upto not in names:
        raise InputError(f"the network of {reference} has no layer {upto!r}", closest(upto, names))
    outputs = outputs_where_called(network.get_layer(upto))
    if len(outputs) != 1:
        raise InputError(
            f"the layer {upto!r} of {reference} has {len(outputs)} outputs, but a head takes one",
            "give upto a layer with one output",
        )
    return outputs[0]


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
