"""The kinds of components: where they come from, and which settings take components of which kind."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Place:
    """Marks a recipe field that takes a component, and gives its namespace."""

    namespace: str

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Return a marker that recipe.json_schema replaces with a reference to the namespace's components."""
        del core_schema, handler
        return {"x-components": self.namespace}


@dataclass(frozen=True)
class Namespace:
    """The folder of a kind of component, and the Keras module of the same kind if there is one.

    base: the base class of the Keras components of this kind; it is not a component itself. by_class: recipes use the
    name of the class, as Keras does, instead of the file's.
    """

    folder: str
    keras_module: str = ""
    base: str = ""
    by_class: bool = field(default=False, kw_only=True)


NAMESPACES = {
    "dataset": Namespace("datasets"),
    "model": Namespace("models"),
    "task": Namespace("tasks"),
    "augment": Namespace("augment"),
    "corrupt": Namespace("corrupt"),
    "exporter": Namespace("exporters"),
    "layer": Namespace("layers", "keras.layers", "Layer", by_class=True),
    "loss": Namespace("losses", "keras.losses", "Loss", by_class=True),
    "metric": Namespace("metrics", "keras.metrics", "Metric", by_class=True),
    "optimizer": Namespace("optimizers", "keras.optimizers", "Optimizer", by_class=True),
    "schedule": Namespace("schedules", "keras.optimizers.schedules", "LearningRateSchedule", by_class=True),
    "tracker": Namespace("trackers", by_class=True),
    "callback": Namespace("callbacks", "keras.callbacks", "Callback", by_class=True),
    "initializer": Namespace("initializers", "keras.initializers", "Initializer", by_class=True),
    "regularizer": Namespace("regularizers", "keras.regularizers", "Regularizer", by_class=True),
    "constraint": Namespace("constraints", "keras.constraints", "Constraint", by_class=True),
}

# Kinds whose Keras identifiers stand for classes: mse is MeanSquaredError.
OF_CLASSES = ("loss", "metric", "optimizer")
# Components that need a package which dlkit does not install: its module, and what to install.
NEED_PACKAGE = {
    ("callback", "TensorBoard"): ("tensorboard", "tensorboard"),
    ("exporter", "onnx"): ("tf2onnx", "dlkit[onnx]"),
    ("exporter", "litert"): ("ai_edge_litert", "dlkit[litert]"),
    ("exporter", "litert_float16"): ("ai_edge_litert", "dlkit[litert]"),
    ("exporter", "litert_int8"): ("ai_edge_litert", "dlkit[litert]"),
    ("exporter", "openvino"): ("openvino", "dlkit[openvino]"),
    ("tracker", "MLflow"): ("mlflow", "dlkit[mlflow]"),
    ("tracker", "Wandb"): ("wandb", "dlkit[wandb]"),
}
# Settings that a tracker takes from the user's environment alone, because a recipe from others must not choose where
# results are sent.
FROM_ENVIRONMENT = {
    "MLflow": {"tracking_uri": "MLFLOW_TRACKING_URI", "uri": "MLFLOW_TRACKING_URI"},
    "Wandb": {"mode": "WANDB_MODE", "base_url": "WANDB_BASE_URL", "entity": "WANDB_ENTITY", "api_key": "WANDB_API_KEY"},
}
# Recipes contain data, never code: these need a Python function, or load a program from a file.
NEED_CODE = {
    "Lambda",
    "LambdaCallback",
    "LearningRateScheduler",
    "JaxLayer",
    "FlaxLayer",
    "TorchModuleWrapper",
    "TFSMLayer",
}
# Recipes may come from others, so these are not allowed: they send data to, or delete at, a target the recipe chooses.
REFUSED = {
    "RemoteMonitor": "it sends metrics over the network; `dlkit train --json` prints them",
    "BackupAndRestore": "it deletes folders; every run can be continued exactly with --resume",
    "OrbaxCheckpoint": "it writes its own folders; runs have snapshots, last.keras and best.keras",
}
# Callbacks that write files, and the setting with the path, which must be inside the run.
WRITES = {"ModelCheckpoint": "filepath", "CSVLogger": "filename", "TensorBoard": "log_dir"}
# Settings of layers that may be `classes`, the number of classes of the data.
COUNTS_CLASSES = {"units", "filters"}
# Settings of Keras layers that take a list, or a path or address from which they read it.
READS = ("vocabulary", "idf_weights")
# Created by Keras itself, or meant to be subclassed.
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

# Namespaces of the parameters that take components, by parameter name, for both Keras and dlkit.
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
    """Return the namespace of the component that a parameter of this name takes, or None."""
    if parameter.endswith("_activation"):
        return "layer"
    for suffix, namespace in _SUFFIXES.items():
        if parameter.endswith(suffix):
            return namespace
    return _NESTED.get(parameter)


def holds_list(parameter: str) -> bool:
    """Return whether a parameter of this name takes a list of components."""
    return parameter in _LISTS
