"""Builder, task and optimizer become a checked, compiled keras.Model."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.components import Component, create, load, locate, source
from dlkit.data_source import build_dataset, describe, located
from dlkit.datasets._dataset import ArraySpec, Description
from dlkit.errors import CheckError, DlkitError, InputError
from dlkit.images import ImageResizer
from dlkit.layer_groups import check_names, grouped_optimizer, set_trainable
from dlkit.layer_table import count_parameters, layer_rows
from dlkit.layers.average_views import check_views
from dlkit.layers.crop_like import cropped
from dlkit.losses._penalty import Penalty
from dlkit.monitors import check_monitors
from dlkit.preprocessing import build_preprocess
from dlkit.recipe.contract import check_table
from dlkit.recipe.schema import Recipe, ResolvedPhase
from dlkit.safety.weight_limits import bounded_weights
from dlkit.splits import resized_spec, resizer
from dlkit.tasks._task import TargetSpec, Task, main_output

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe
    from dlkit.teacher import Teacher


@dataclass(frozen=True)
class BuiltModel:
    """A network and all that stands around it: raw input -> resize -> preprocess -> network -> task's outputs.

    teacher: what it learns from beside the data, where it is to be trained.
    """

    description: Description
    targets: TargetSpec
    task: Task
    resize: ImageResizer | None
    preprocess: keras.Model
    network: keras.Model
    teacher: "Teacher | None" = field(default=None, kw_only=True)

    @property
    def raw_spec(self) -> ArraySpec:
        """Shape and dtype of one example as the source gives it; images that are resized may have any size."""
        spec = self.description.inputs
        return ArraySpec((None, None, spec.shape[-1]), spec.dtype) if self.resize else spec

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, empty where there are none."""
        return self.targets.class_names

    @property
    def scores(self) -> str | None:
        """The output whose largest entry names the class, if there is one."""
        return self.task.scores

    @property
    def inference_network(self) -> keras.Model:
        """The network from its input to its main output, without auxiliary heads and penalties."""
        output = self.network.output
        return keras.Model(self.network.input, main_output(output)) if isinstance(output, Mapping) else self.network

    def prepare(self, inputs: Any, targets: Any, corrupted: Any = None, hidden: Any = None) -> tuple[Any, ...]:
        """A batch of resized inputs and raw targets as the network's step takes it: (x, y) or (x, y, sample weights).

        corrupted: what the network sees in place of the inputs; hidden: mask of the inputs that it does not see.
        """
        x = self.preprocess(inputs, training=False)
        targets = self._predicted_part(targets, x)
        y = self.task.prepare_targets(targets, x, self.network)
        weights = self.task.sample_weights(targets, hidden)
        if hidden is not None and tuple(hidden.shape[1:]) != tuple(y.shape[1 : len(hidden.shape)]):
            raise InputError(
                f"data.corrupt hides pixels {list(hidden.shape[1:])}, the targets have the shape {list(y.shape[1:])}",
                "leave Flatten out of preprocess; put it into the network",
            )
        if corrupted is not None:
            x = self.preprocess(corrupted, training=False)
        if not isinstance(self.network.output, Mapping):
            return (x, y) if weights is None else (x, y, weights)
        ones, names = keras.ops.ones(keras.ops.shape(x)[:1]), self.network.output
        expected = {name: ones if is_penalty(output) else y for name, output in names.items()}
        if weights is None:
            return x, expected
        return x, expected, {name: ones if is_penalty(output) else weights for name, output in names.items()}

    def _predicted_part(self, targets: Any, x: Any) -> Any:
        """Targets that are pixels, without the borders for which an unpadded network has no output."""
        if not self.task.moves_targets:
            return targets
        size = main_output(self.network.output).shape[1:3]
        if None in size:
            size = main_output(self.network.compute_output_shape((None, *x.shape[1:])))[1:3]
        return targets if None in size or size == targets.shape[1:3] else cropped(targets, *size)

    def samples(self, raw: np.ndarray) -> np.ndarray:
        """What this model takes for raw examples of the data, for the certificates of its exports: the very same."""
        return raw

    def predict(self, inputs: Any) -> dict[str, Any]:
        """The task's named outputs for a batch of resized inputs."""
        return self.outputs(self.network(self.preprocess(inputs, training=False), training=False))

    def outputs(self, network_outputs: Any) -> dict[str, Any]:
        """The task's named outputs from what the network gives."""
        return self.task.outputs(keras.ops.cast(main_output(network_outputs), keras.config.floatx()))

    def predict_raw(self, inputs: Any) -> dict[str, Any]:
        """The task's named outputs for a batch as the source gives it: what an export computes."""
        return self.predict(self.resize(inputs) if self.resize else inputs)


def create_at(component: Component) -> Any:
    """Build a component; a mistake in its settings is reported at its place in the recipe."""
    try:
        return create(component)
    except DlkitError as error:
        raise located(error, component.location) from error


def build_model(recipe: Recipe, description: Description) -> BuiltModel:
    """Build preprocess and network for the described data and check the head; weights start from the recipe's seed.

    Raises InputError or RecipeError, located in the recipe, when layers or head do not fit.
    """
    keras.utils.clear_session(free_memory=False)
    set_precision(recipe.training.precision)
    keras.utils.set_random_seed(recipe.training.seed)
    task: Task = create_at(recipe.task)
    if recipe.data.patch is not None and not task.moves_targets:
        raise InputError("only images with masks are cut into crops", "remove it", key="data.patch")
    try:
        targets = task.target_spec(description)
        with bounded_weights():
            preprocess = _build_preprocess(recipe, description)
    except DlkitError as error:
        raise located(error, recipe.data.source.location) from error
    spec = ArraySpec(tuple(preprocess.output.shape[1:]), preprocess.output.dtype)
    try:
        with bounded_weights():
            network: keras.Model = create(recipe.model, spec, targets)
        check_views(network)
    except DlkitError as error:
        raise located(error, recipe.model.location) from error
    try:
        task.check(network, targets)
    except DlkitError as error:
        raise located(error, locate(network.layers[-1]) or recipe.model.location) from error
    _check_augment(recipe, description, task, network)
    return BuiltModel(description, targets, task, resizer(recipe.data), preprocess, network)


def _check_augment(recipe: Recipe, description: Description, task: Task, network: keras.Model) -> None:
    """Raise InputError at an augmentation that needs images, or classes of which there is a mean, and has none."""
    shape = resized_spec(recipe.data, description).shape
    for component in (component for phase in recipe.resolved_phases() for component in phase.augment):
        name, takes = component.name, signature(load("augment", component.name)).parameters
        if "images" in takes and len(shape) != 3:
            problem = (
                f"{name} needs images [height, width, channels], the data has the shape {list(shape)}",
                "remove it",
            )
        elif "others" in takes and task.scores is None:
            problem = (f"{name} mixes the classes of examples, and task {recipe.task.name} has none", "remove it")
        elif "others" in takes and main_output(network.output).shape[-1] == 1:
            problem = (
                f"{name} mixes classes, and the network has one unit for two of them",
                "give the last layer 2 units and softmax",
            )
        else:
            continue
        raise InputError(*problem, location=component.location)


def _build_preprocess(recipe: Recipe, description: Description) -> keras.Model:
    """Preprocessing runs in full precision, whatever the network's."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(keras.config.floatx())
    try:
        layers = [create_at(component) for component in recipe.data.preprocess]
        return build_preprocess(resized_spec(recipe.data, description), layers)
    finally:
        keras.config.set_dtype_policy(policy)


def set_precision(precision: str) -> None:
    """Set Keras' global precision: float32, float64 or mixed_bfloat16 (float32 weights, bfloat16 arithmetic)."""
    keras.config.set_floatx("float64" if precision == "float64" else "float32")
    keras.config.set_dtype_policy(precision)


def compile_model(
    built: BuiltModel, recipe: Recipe, phase: ResolvedPhase | None = None, steps: int | None = None
) -> keras.Model:
    """Attach a phase's optimizer and the task's losses and metrics to the network; returns the network.

    The phase (the last one when none is given) also says which groups of layers are trained, and how fast. steps: the
    updates of the phase, for a schedule that spans all of them.
    """
    chosen = phase or recipe.resolved_phases()[-1]
    chosen = replace(chosen, optimizer=_spanned(chosen.optimizer, steps)) if steps else chosen
    set_trainable(built.network, chosen.trainable)

    def optimizer(**settings: Any) -> Any:
        return create_at(replace(chosen.optimizer, settings=chosen.optimizer.settings | settings))

    return compile_for(built.network, built.task, grouped_optimizer(built.network, optimizer, chosen.learning_rates))


def spans_training(optimizer: Component) -> bool:
    """Whether the optimizer has a schedule over as many steps as there are, so that other epochs are other rates."""
    schedule = optimizer.settings.get("learning_rate")
    if not isinstance(schedule, Component):
        return False
    takes = "total_steps" in source(schedule.namespace, schedule.name).parameters
    return takes and schedule.settings.get("total_steps") is None


def _spanned(optimizer: Component, steps: int) -> Component:
    """The optimizer with a schedule of so many steps, where it has one with total_steps that are not given."""
    if not spans_training(optimizer):
        return optimizer
    schedule = optimizer.settings["learning_rate"]
    schedule = replace(schedule, settings=schedule.settings | {"total_steps": steps})
    return replace(optimizer, settings=optimizer.settings | {"learning_rate": schedule})


def compile_for(network: keras.Model, task: Task, optimizer: Any) -> keras.Model:
    """Attach an optimizer and the task's losses and metrics to a network; returns it."""
    loss: Any = task.loss_for(network)
    metrics: Any = task.metrics_for(network)
    names = list(network.output) if isinstance(network.output, Mapping) else ["output"]
    check_names("loss_weights", task.loss_weights, names)
    weights: Any = [task.loss_weights.get(name, 1.0) for name in names]
    if isinstance(network.output, Mapping):
        loss = {name: Penalty() if is_penalty(output) else loss for name, output in network.output.items()}
        metrics, weights = {"output": metrics}, dict(zip(names, weights, strict=True))
    network.compile(
        optimizer=optimizer,
        loss=loss,
        loss_weights=weights if task.loss_weights else None,
        weighted_metrics=metrics,
        # XLA is slower than oneDNN kernels on a CPU and takes tens of seconds to compile.
        jit_compile="auto" if tf.config.list_physical_devices("GPU") else False,
    )
    return network


def check_phases(built: BuiltModel, loaded: "LoadedRecipe") -> None:
    """Compile for every phase, the last one last; mistakes in groups, rates and monitors are told at their place."""
    training = loaded.recipe.training
    for number, phase in enumerate(loaded.recipe.resolved_phases()):
        try:
            compile_model(built, loaded.recipe, phase)
            check_monitors(loaded.recipe, phase, built.task, built.network)
        except InputError as error:
            problem = error.problems[0]
            name = problem.key.split(".")[1] if "." in problem.key else ""
            if training.phases and getattr(training.phases[number], name, None) is not None:
                problem = replace(problem, key=problem.key.replace("training", f"training.phases.{number}", 1))
            error.problems = [problem]
            raise located(error, loaded.locate(problem.key) if problem.key else None) from error


def is_penalty(output: Any) -> bool:
    """Whether a network's output is a number for each example, whose mean is a loss, and not a prediction."""
    return len(output.shape) == 1


def metric_names(logs: Mapping[str, Any]) -> dict[str, float]:
    """Metrics as numbers; those of the main output of several are called as if it were the only one."""
    numbers = {name: float(value) for name, value in logs.items()}
    return {name if name.endswith("_loss") else name.removeprefix("output_"): numbers[name] for name in numbers}


def table_differences(recipe: Recipe, network: keras.Model) -> list[str]:
    """Where the network's counts and rows differ from the recipe's contract."""
    rows = [(row.layer, row.output_shape, row.parameters) for row in layer_rows(network)]
    return check_table(recipe.expect, count_parameters(network), rows)


def check_build(loaded: "LoadedRecipe") -> keras.Model:
    """Build the recipe's model and check its contract; raises located errors, CheckError for the contract."""
    dataset = build_dataset(loaded.recipe)
    built = build_model(loaded.recipe, describe(loaded.recipe, dataset))
    check_phases(built, loaded)
    differences = table_differences(loaded.recipe, built.network)
    if differences:
        raise CheckError(
            f"contract: {'; '.join(differences)}",
            "change the model or the recipe's expect",
            location=loaded.locate("expect"),
        )
    return built.network
