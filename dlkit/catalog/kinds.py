"""The kinds of components: where each comes from, and which settings hold components of which kind."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """Mark a recipe field that holds a component; the place decides the namespace."""

    namespace: str

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Return a mark that recipe.json_schema turns into a reference to the namespace's components."""
        del core_schema, handler
        return {"x-components": self.namespace}


@dataclass(frozen=True)
class Namespace:
    """The folder of a kind of component, and Keras' module of the same kind if there is one.

    base: the class that Keras' own components of this kind derive from; it is not a component itself.
    """

    folder: str
    keras_module: str = ""
    base: str = ""

    @property
    def by_class(self) -> bool:
        """Whether recipes write the class name, as Keras does."""
        return bool(self.keras_module)


NAMESPACES = {
    "dataset": Namespace("datasets"),
    "model": Namespace("models"),
    "task": Namespace("tasks"),
    "augment": Namespace("augment"),
    "corrupt": Namespace("corrupt"),
    "exporter": Namespace("exporters"),
    "layer": Namespace("layers", "keras.layers", "Layer"),
    "loss": Namespace("losses", "keras.losses", "Loss"),
    "metric": Namespace("metrics", "keras.metrics", "Metric"),
    "optimizer": Namespace("optimizers", "keras.optimizers", "Optimizer"),
    "schedule": Namespace("schedules", "keras.optimizers.schedules", "LearningRateSchedule"),
    "callback": Namespace("callbacks", "keras.callbacks", "Callback"),
    "initializer": Namespace("initializers", "keras.initializers", "Initializer"),
    "regularizer": Namespace("regularizers", "keras.regularizers", "Regularizer"),
    "constraint": Namespace("constraints", "keras.constraints", "Constraint"),
}

# Recipes hold data, never code: these need a Python function, or load a program from a file.
NEED_CODE = {
    "Lambda",
    "LambdaCallback",
    "LearningRateScheduler",
    "JaxLayer",
    "FlaxLayer",
    "TorchModuleWrapper",
    "TFSMLayer",
}
# A recipe may come from someone else: these send or delete at an address of the recipe's choice.
REFUSED = {
    "RemoteMonitor": "it sends metrics over the network; `dlkit train --json` prints them",
    "BackupAndRestore": "it deletes folders; every run can be continued exactly with --resume",
    "OrbaxCheckpoint": "it writes folders of its own; runs have snapshots, last.keras and best.keras",
}
# Callbacks that write, and the setting that says where: a path inside the run.
WRITES = {"ModelCheckpoint": "filepath", "CSVLogger": "filename", "TensorBoard": "log_dir"}
# Made by Keras itself, or meant to be subclassed.
INTERNAL = {
    "InputSpec",
    "InputLayer",
    "Input",
    "CallbackList",
    "History",
    "OptimizerMap",
    "MeanMetricWrapper",
    "Wrapper",
}

# Which parameters hold components, by name, for Keras and dlkit alike.
_NESTED = {
    "activation": "layer",
    "learning_rate": "schedule",
    "layer": "layer",
    "forward_layer": "layer",
    "backward_layer": "layer",
    "cell": "layer",
    "cells": "layer",
    "layers": "layer",
    "head": "layer",
    "encoder": "layer",
    "decoder": "layer",
    "loss": "loss",
    "metrics": "metric",
    "optimizer": "optimizer",
    "inner_optimizer": "optimizer",
}
_LISTS = {"layers", "head", "encoder", "decoder", "cells", "metrics"}
_SUFFIXES = {"_initializer": "initializer", "_regularizer": "regularizer", "_constraint": "constraint"}


def nested_namespace(parameter: str) -> str | None:
    """Return the namespace of the component that a parameter of this name holds, or None."""
    if parameter.endswith("_activation"):
        return "layer"
    for suffix, namespace in _SUFFIXES.items():
        if parameter.endswith(suffix):
            return namespace
    return _NESTED.get(parameter)


def holds_list(parameter: str) -> bool:
    """Return whether a parameter of this name holds a list of components."""
    return parameter in _LISTS
