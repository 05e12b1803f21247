"""Finds components by file name and reads their settings without importing them; builds them when asked.

A component is what a recipe names: a dlkit file (`dlkit/models/sequential.py` is the model `sequential`) or a public
Keras class (`Dense`). In a dlkit file the component is the object that bears the file's name: the function
`sequential`, or the class `Sequential` in CamelCase. Its settings are its keyword-only parameters, or the fields of a
`@dataclass(kw_only=True)`; what stands before `*` comes from the program. A user's own folder, laid out like dlkit's
(DIR/models/tower.py), adds to these only when it is asked for: its files are programs.
"""

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from dlkit._signatures import ClassSource, first_sentence, keras_aliases, keras_class, keras_exports, public_files
from dlkit.errors import InputError, Location, Problem, RecipeError, closest

PACKAGE = Path(__file__).parent
FOLDER_VARIABLE = "DLKIT_COMPONENTS"
_SERIALISATION = {"get", "serialize", "deserialize"}


@dataclass(frozen=True)
class Place:
    """Marks a recipe field that holds a component; the place decides the namespace."""

    namespace: str

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """A mark that recipe.json_schema turns into a reference to the namespace's components."""
        del core_schema, handler
        return {"x-components": self.namespace}


@dataclass(frozen=True)
class Component:
    """A name and its settings, checked, with nested components as Component too."""

    namespace: str
    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    location: Location | None = None


@dataclass(frozen=True)
class Namespace:
    """Where components of a kind come from, and whether recipes name them by class or by file."""

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
_NEED_CODE = {
    "Lambda",
    "LambdaCallback",
    "LearningRateScheduler",
    "JaxLayer",
    "FlaxLayer",
    "TorchModuleWrapper",
    "TFSMLayer",
}
# Made by Keras itself, or meant to be subclassed.
_INTERNAL = {
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


def use_folder(folder: Path) -> None:
    """Add a user's own component folders for this process and its children; InputError when it holds none."""
    known = {space.folder: namespace for namespace, space in NAMESPACES.items()}
    found = {path: known[path.name] for path in sorted(folder.glob("*/")) if path.name in known}
    if not found:
        raise InputError(
            f"{folder} holds no component folders",
            f"put components into {folder}/models and the like; known: {', '.join(sorted(known))}",
        )
    os.environ.pop(FOLDER_VARIABLE, None)
    for path, namespace in found.items():
        taken = [file for file in public_files(path) if _name(namespace, file) in names(namespace)]
        if taken:
            raise InputError(f"{taken[0]} bears the name of a {namespace} that there is already", "rename the file")
    os.environ[FOLDER_VARIABLE] = str(folder.resolve())
    source.cache_clear()


def own_folder() -> Path | None:
    """The user's own component folders, if they were asked for."""
    folder = os.environ.get(FOLDER_VARIABLE)
    return Path(folder) if folder else None


def nested_namespace(parameter: str) -> str | None:
    """The namespace of the component that a parameter of this name holds, if it holds one."""
    if parameter.endswith("_activation"):
        return "layer"
    for suffix, namespace in _SUFFIXES.items():
        if parameter.endswith(suffix):
            return namespace
    return _NESTED.get(parameter)


def holds_list(parameter: str) -> bool:
    """Whether a parameter of this name holds a list of components."""
    return parameter in _LISTS


def names(namespace: str) -> list[str]:
    """The names that a recipe may write in a namespace, sorted."""
    return sorted({*_own(namespace), *_keras_names(namespace)})


def own_names(namespace: str) -> list[str]:
    """The names that dlkit adds to what Keras has."""
    return sorted(_own(namespace))


def description(namespace: str, name: str) -> str:
    """The first sentence of a component's docstring."""
    return first_sentence(source(namespace, name).docstring)


@cache
def identifiers(namespace: str) -> list[str]:
    """The words that Keras itself takes in place of a component, such as glorot_uniform, l2 or mse."""
    module = NAMESPACES[namespace].keras_module
    functions = {name for name in keras_exports(module) if name[:1].islower()} - _SERIALISATION
    return sorted(functions | {_snake(name) for name in _keras_names(namespace)} | keras_aliases(module))


def activations() -> list[str]:
    """The names of Keras' activation functions."""
    return sorted(name for name in keras_exports("keras.activations") if name not in _SERIALISATION)


@cache
def source(namespace: str, name: str) -> ClassSource:
    """What a component's source says of its settings; KeyError when there is no such component."""
    own = _own(namespace)
    if name in own:
        return ClassSource.from_file(own[name], (_camel(own[name].stem), own[name].stem))
    if name in _keras_names(namespace):
        return keras_class(NAMESPACES[namespace].keras_module, name)
    raise KeyError(name)


def load(namespace: str, name: str) -> Any:
    """Import a component; InputError with the nearest names when there is none."""
    own = _own(namespace)
    if name in own:
        stem = own[name].stem
        module = _module(NAMESPACES[namespace].folder, own[name])
        return getattr(module, stem, None) or getattr(module, _camel(stem))
    if name not in _keras_names(namespace):
        raise InputError(f"unknown {namespace} {name!r}", closest(name, names(namespace)))
    return getattr(importlib.import_module(NAMESPACES[namespace].keras_module), name)


def _module(folder: str, path: Path) -> Any:
    """The module of a component's file: one of dlkit's, or one of the user's folder, imported once."""
    if path.parent.parent == PACKAGE:
        return importlib.import_module(f"dlkit.{folder}.{path.stem}")
    title = f"dlkit_components.{folder}.{path.stem}"
    module = sys.modules.get(title)
    if module is not None and module.__file__ == str(path):
        return module
    spec = importlib.util.spec_from_file_location(title, path)
    assert spec is not None  # it is a .py file
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{path} cannot be imported: {reason(error)}", "mend the file") from error
    sys.modules[title] = module
    return module


def create(component: Component, *context: Any) -> Any:
    """Import and call a component with the program's `context` and its settings, nested components first.

    Raises RecipeError at the component's place when it does not take these settings.
    """
    settings = {key: _created(value) for key, value in component.settings.items()}
    target = load(component.namespace, component.name)
    try:
        built = target(*context, **settings)
    except (ValueError, TypeError) as error:
        message = f"{component.name} does not take these settings: {reason(error)}"
        raise RecipeError([Problem(message, "", "", component.location)]) from error
    _remember(built, component.location)
    return built


def locate(built: Any) -> Location | None:
    """Where in its recipe an object stands that create() built."""
    location: Location | None = getattr(built, "_recipe_location", None)
    return location


def reason(error: Exception) -> str:
    """Keras' own explanation in one line, without terminal codes and the note on which call it came from."""
    plain = re.sub(r"\x1b\[\d*m", "", str(error)).replace(" with name 'None'", "")
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("Exception encountered", "Arguments received"))] or lines
    return lines[0] if lines else type(error).__name__


def _created(value: Any) -> Any:
    if isinstance(value, Component):
        return create(value)
    if isinstance(value, list):
        return [_created(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _created(item) for key, item in value.items()}
    return value


def _remember(built: Any, location: Location | None) -> None:
    """Objects without a __dict__ cannot be given a place, and none of them is asked for one."""
    if hasattr(built, "__dict__") and not isinstance(built, type):
        built.__dict__["_recipe_location"] = location


def _own(namespace: str) -> dict[str, Path]:
    """dlkit's own components of a namespace, then the user's: the name a recipe writes, and its file."""
    roots = filter(None, (PACKAGE, own_folder()))
    files = [path for root in roots for path in public_files(root / NAMESPACES[namespace].folder)]
    return {_name(namespace, path): path for path in files}


def _name(namespace: str, path: Path) -> str:
    """What a recipe writes for a component's file."""
    return _camel(path.stem) if NAMESPACES[namespace].by_class else path.stem


@cache
def _keras_names(namespace: str) -> frozenset[str]:
    """The public concrete classes of a Keras module, each under all of its names."""
    space = NAMESPACES[namespace]
    if not space.keras_module:
        return frozenset()
    exported = keras_exports(space.keras_module)
    left_out = {space.base} | _INTERNAL | _NEED_CODE
    return frozenset(name for name in exported if name[:1].isupper() and name not in left_out)


def _camel(stem: str) -> str:
    return "".join(part.capitalize() for part in stem.split("_"))


def _snake(name: str) -> str:
    """Keras' own rule for identifiers: GlorotUniform becomes glorot_uniform, L2 becomes l2."""
    out = ""
    for index, letter in enumerate(name):
        starts_word = (
            letter.isupper() and index and (name[index - 1].islower() or name[index + 1 : index + 2].islower())
        )
        out += ("_" if starts_word else "") + letter.lower()
    return out
