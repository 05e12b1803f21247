"""Build a pydantic model of a component's settings from its source, so that they are checked without importing it."""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from dlkit.catalog.applications import Application
from dlkit.catalog.find import own_names, source
from dlkit.catalog.keras_types import described_type
from dlkit.catalog.kinds import COUNTS_CLASSES, nested_namespace
from dlkit.catalog.signatures import REQUIRED, Parameter
from dlkit.errors import InputError

_ANNOTATIONS = {
    **{"Annotated": Annotated, "Any": Any, "Field": Field, "Literal": Literal, "Path": Path, "DataPath": str},
    "Application": Application,
}
# dtypes and policies have many forms, and Keras itself checks the names of weights.
_UNTYPED = {"dtype", "weights"}


@cache
def settings_model(namespace: str, name: str) -> type[BaseModel]:
    """Return the model of a component's settings; raise KeyError when there is no such component."""
    parameters = source(namespace, name).parameters
    own = name in own_names(namespace)
    fields: dict[str, Any] = {}
    for key, parameter in parameters.items():
        kind = _own_type(parameter, namespace, name) if own else _keras_type(parameter, namespace)
        fields[key] = (kind, ... if parameter.default is REQUIRED else parameter.default)
    config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())
    return create_model(f"{namespace}:{name}", __config__=config, **fields)


def _own_type(parameter: Parameter, namespace: str, name: str) -> Any:
    """Return the type of a component's setting; raise InputError for an annotation with an unsupported name."""
    if holds_component(parameter):
        return Any
    try:  # eval adds no risk: a component's source is a program anyway
        return eval(parameter.annotation or "Any", {"__builtins__": _builtins(), **_ANNOTATIONS})
    except (NameError, TypeError, AttributeError) as error:
        raise InputError(
            f"{namespace} {name}: the type of setting {parameter.name!r}, {parameter.annotation}, is not supported",
            f"use only: {', '.join(sorted({*_builtins(), *_ANNOTATIONS}))}",
        ) from error


def holds_component(parameter: Parameter) -> bool:
    """Return whether a setting takes a component, judged by its name; one typed only as a number does not."""
    is_number = re.search(r"\b(int|float|bool)\b", parameter.annotation) and not re.search(
        r"\b(Any|list|str|dict|Mapping)\b", parameter.annotation
    )
    return nested_namespace(parameter.name) is not None and not is_number


def _builtins() -> dict[str, Any]:
    return {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict, "tuple": tuple}


def _keras_type(parameter: Parameter, namespace: str) -> Any:
    """Return the type of a Keras argument where its documentation states it clearly, otherwise Any."""
    if nested_namespace(parameter.name) or parameter.name in _UNTYPED:
        return Any
    kind = described_type(parameter.text, parameter.default)
    if kind is int and namespace == "schedule":
        kind = float  # schedules compute in floats: `decay_steps: 1e5` is valid
    if kind is not Any and (parameter.default is None or "None" in parameter.text):
        kind = kind | None
    if namespace == "layer" and parameter.name in COUNTS_CLASSES and kind is not Any:
        kind = kind | Literal["classes"]
    return kind if parameter.default is REQUIRED or _fits(kind, parameter.default) else Any


def _fits(kind: Any, default: Any) -> bool:
    """Return whether a Keras default has the given type; if not, the documentation was misread."""
    try:
        TypeAdapter(kind, config=ConfigDict(strict=True)).validate_python(_listed(default))
    except ValidationError:
        return False
    return True


def _listed(value: Any) -> Any:
    """Return a value with tuples converted to lists, as a recipe writes them."""
    return [_listed(item) for item in value] if isinstance(value, tuple) else value
