"""The teacher: a trained network whose class probabilities another network learns from.

This is knowledge distillation (Hinton, 2015, arXiv 1503.02531) at temperature 1: the targets are partly the teacher's
probabilities. The teacher sees the same augmented and mixed batch as the network (Beyer, 2022, arXiv 2106.05237), but
without the effects of `data.corrupt`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from dlkit.components.layers.average_views import without_views
from dlkit.errors import DlkitError, InputError, located
from dlkit.interfaces.task import main_output
from dlkit.model.built import BuiltModel
from dlkit.model.trained import open_run
from dlkit.runs.parents import find_teacher

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe


@dataclass(frozen=True)
class Teacher:
    """A run's model with its last weights, in inference mode; weight: its share of the targets."""

    built: BuiltModel
    network: keras.Model
    weight: float

    def taught(self, batch: tuple[Any, ...], inputs: Any) -> tuple[Any, ...]:
        """Mix the targets (n, classes) of a batch (x, y, ...) with the teacher's outputs for the resized inputs."""
        seen = self.built.preprocess(inputs, training=False)
        assert self.built.scores is not None  # checked in open_teacher
        probabilities = self.built.outputs(self.network(seen, training=False))[self.built.scores]

        def mean(targets: Any) -> Any:
            if len(targets.shape) != len(probabilities.shape):
                return targets  # those of a penalty
            return (1 - self.weight) * targets + self.weight * tf.cast(probabilities, targets.dtype)

        x, y, *weights = batch
        return (x, tf.nest.map_structure(mean, y), *weights)


def open_teacher(loaded: "LoadedRecipe") -> Teacher | None:
    """Read the recipe's teacher, if it names one, from its run; errors point to the recipe.

    Call this before building the recipe's own network, whose precision and random seed must be set last.
    """
    settings = loaded.recipe.training.teacher
    if settings is None:
        return None
    try:
        built = open_run(find_teacher(settings.run)).built
        if built.scores is None:
            raise InputError(f"the run {settings.run!r} does not classify", "name a run of task classification")
    except DlkitError as error:
        raise located(error, loaded.locate("training.teacher.run")) from error
    return Teacher(built, without_views(built.inference_network), settings.weight)


def check_teacher(teacher: Teacher | None, built: BuiltModel, loaded: "LoadedRecipe") -> None:
    """Raise InputError, located in the recipe, when the teacher's classes or inputs do not fit the network."""
    if teacher is None:
        return
    place = loaded.locate("training.teacher")
    if built.scores is None:
        raise InputError(
            f"a teacher gives class probabilities, but task {loaded.recipe.task.name} has no classes",
            "remove it",
            key="training.teacher",
            location=place,
        )
    if main_output(built.network.output).shape[-1] == 1:
        raise InputError(
            "a teacher gives probabilities of two classes, but the network has one unit for both",
            "give the last layer 2 units and softmax",
            key="training.teacher",
            location=place,
        )
    ours, theirs = (_agreement(item) for item in (built, teacher.built))
    for name, expected in ours.items():
        if theirs[name] != expected:
            raise InputError(
                f"the teacher's {name} are {theirs[name]}, but this recipe's are {expected}",
                "name a run of the same data; both recipes need the same classes and data.resize",
                key="training.teacher.run",
                location=loaded.locate("training.teacher.run"),
            )


def _agreement(built: BuiltModel) -> dict[str, str]:
    """Return the properties that must be the same for a teacher and its network, as text."""
    spec = built.preprocess.input
    return {
        "classes": ", ".join(built.class_names),
        "inputs": f"{spec.dtype} {list(spec.shape[1:])}",
        "columns": ", ".join(built.description.table.names) if built.description.table else "",
    }
