"""Build a recipe's preprocessing and network for its data, and check that they fit the task and the augmentations."""

from collections.abc import Iterator

import keras

from dlkit.analysis.table import count_parameters, layer_rows
from dlkit.catalog.create import Component, create_at, locate
from dlkit.catalog.find import load
from dlkit.components.layers._table_columns import TableColumns
from dlkit.components.layers._words import check_embeddings, text_layers
from dlkit.components.layers.average_views import check_views
from dlkit.components.losses._on_normalized import inverts
from dlkit.data.splits import resized_spec, resizer
from dlkit.errors import DlkitError, InputError, located
from dlkit.interfaces.augment import taken_by
from dlkit.interfaces.data import ArraySpec, Description
from dlkit.interfaces.task import Task, main_output
from dlkit.model.built import BuiltModel
from dlkit.model.preprocessing import build_preprocess
from dlkit.model.transfer import create_network
from dlkit.recipe.contract import check_table
from dlkit.recipe.schema import Recipe
from dlkit.safety.weight_limits import bounded_weights


def build_model(recipe: Recipe, description: Description) -> BuiltModel:
    """Build preprocessing and network for the described data and check the head; the recipe's seed sets the weights.

    Raises InputError or RecipeError, located in the recipe, when layers or head do not fit.
    """
    keras.utils.clear_session(free_memory=False)
    set_precision(recipe.training.precision)
    keras.utils.set_random_seed(recipe.training.seed)
    task: Task = create_at(recipe.task)
    if recipe.data.patch is not None and not task.moves_targets:
        raise InputError("only images with masks can be cut into crops", "remove it", key="data.patch")
    try:
        targets = task.target_spec(description)
        with bounded_weights():
            preprocess = _build_preprocess(recipe, description)
    except DlkitError as error:
        of_task = error.problems[0].key.startswith("task.")
        raise located(error, (recipe.task if of_task else recipe.data.source).location) from error
    spec = ArraySpec(tuple(preprocess.output.shape[1:]), preprocess.output.dtype)
    try:
        if spec.dtype == "string":
            raise InputError(
                "a network takes numbers, but its inputs are texts", "end data.preprocess with TextVectorization"
            )
        with bounded_weights():
            network = create_network(recipe.model, spec, targets)
        check_views(network)
        for layer in text_layers(preprocess):
            check_embeddings(network, layer._lookup_layer.max_tokens or 0)
    except DlkitError as error:
        raise located(error, recipe.model.location) from error
    try:
        task.check(network, targets)
        _check_inverted(network, task)
    except DlkitError as error:
        raise located(error, locate(network.layers[-1]) or recipe.model.location) from error
    _check_augment(recipe, description, task, network)
    _check_augmented_sounds(recipe, description, spec)
    return BuiltModel(description, targets, task, resizer(recipe.data), preprocess, network)


def _check_inverted(network: keras.Model, task: Task) -> None:
    """Raise InputError for a layer that inverts a normalization where no output is in the units of the targets."""
    last = main_output(network.output)._keras_history.operation
    for layer in network.layers:
        if inverts(layer) and not (task.has_units and layer is last):
            raise InputError(
                "Normalization with invert: true gives the units of targets that are values",
                "use it as the last layer, with task: regression",
                location=locate(layer),
            )


def augmentations(recipe: Recipe) -> Iterator[Component]:
    """Yield the augmentations of every phase, and the strong ones of unlabelled examples."""
    for phase in recipe.resolved_phases():
        yield from phase.augment
    if recipe.training.consistency is not None:
        yield from recipe.training.consistency.strong


def _check_augment(recipe: Recipe, description: Description, task: Task, network: keras.Model) -> None:
    """Raise InputError for an augmentation that needs images, or one that mixes classes where that is impossible."""
    shape = resized_spec(recipe.data, description).shape
    for component in augmentations(recipe):
        name, takes = component.name, taken_by(load("augment", component.name))
        if takes.images and len(shape) != 3:
            problem = (
                f"{name} needs images [height, width, channels], but the data has the shape {list(shape)}",
                "remove it",
            )
        elif takes.others and task.scores is None:
            problem = (f"{name} mixes the classes of examples, but task {recipe.task.name} has none", "remove it")
        elif takes.others and main_output(network.output).shape[-1] == 1:
            problem = (
                f"{name} mixes classes, but the network has one unit for two classes",
                "give the last layer 2 units and softmax",
            )
        else:
            continue
        raise InputError(*problem, location=component.location)


def _check_augmented_sounds(recipe: Recipe, description: Description, features: ArraySpec) -> None:
    """Raise InputError for an augmentation of recordings where there are none, or of features that have no frames."""
    for component in augmentations(recipe):
        takes = taken_by(load("augment", component.name))
        for needed, kind, spec, rank in (
            (takes.recordings, "recordings [samples]", description.inputs, 1),
            (takes.features, "preprocessed inputs [frames, features]", features, 2),
        ):
            if needed and (len(spec.shape) != rank or not spec.dtype.startswith("float")):
                raise InputError(
                    f"{component.name} needs {kind}, but these are {spec.dtype} of shape {list(spec.shape)}",
                    "remove it",
                    location=component.location,
                )


def _build_preprocess(recipe: Recipe, description: Description) -> keras.Model:
    """Build the preprocessing in full precision, whatever the precision of the network."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(keras.config.floatx())
    try:
        layers = [create_at(component) for component in recipe.data.preprocess]
        if description.table is not None and description.table.is_text and not description.table.is_raw:
            layers = [TableColumns(table=description.table, name="columns"), *layers]
        return build_preprocess(resized_spec(recipe.data, description), layers)
    finally:
        keras.config.set_dtype_policy(policy)


def set_precision(precision: str) -> None:
    """Set Keras' global precision: float32, float64, mixed_bfloat16 or mixed_float16 (weights in float32)."""
    keras.config.set_floatx("float64" if precision == "float64" else "float32")
    keras.config.set_dtype_policy(precision)


def table_differences(recipe: Recipe, network: keras.Model) -> list[str]:
    """Return the differences between the network's counts and rows and the recipe's contract."""
    rows = [(row.layer, row.output_shape, row.parameters) for row in layer_rows(network)]
    return check_table(recipe.expect, count_parameters(network), rows)
