"""A pydantic model of every component's settings, made from its source, so that they are checked without importing it."""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from dlkit._signatures import REQUIRED, Parameter
from dlkit.components import NAMESPACES, nested_namespace, source

_ANNOTATIONS = {"Annotated": Annotated, "Any": Any, "Field": Field, "Literal": Literal, "Path": Path}
# dtype names and policies have many forms, and a weight's own name is checked by Keras.
_UNTYPED = {"dtype", "weights"}


@cache
def settings_model(namespace: str, name: str) -> type[BaseModel]:
    """The settings that a component takes; KeyError when there is no such component."""
    parameters = source(namespace, name).parameters
    own = not NAMESPACES[namespace].by_class or any(parameter.annotation for parameter in parameters.values())
    fields: dict[str, Any] = {}
    for key, parameter in parameters.items():
        kind = _own_type(parameter) if own else _keras_type(parameter)
        fields[key] = (kind, ... if parameter.default is REQUIRED else parameter.default)
    config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())
    return create_model(f"{namespace}:{name}", __config__=config, **fields)


def _own_type(parameter: Parameter) -> Any:
    """The annotation of a dlkit component's setting, in the few words that such annotations use."""
    if nested_namespace(parameter.name):
        return Any
    return eval(parameter.annotation or "Any", {"__builtins__": _builtins(), **_ANNOTATIONS})  # dlkit's own source


def _builtins() -> dict[str, Any]:
    return {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict, "tuple": tuple}


def _keras_type(parameter: Parameter) -> Any:
    """What Keras' own documentation says of an argument, where it says it plainly; otherwise anything."""
    if nested_namespace(parameter.name) or parameter.name in _UNTYPED:
        return Any
    kind = _documented_type(parameter.text)
    if kind is None:
        return Any
    return kind if parameter.default is REQUIRED else kind | None


def _documented_type(text: str) -> Any:
    said = re.sub(r"^(?:optional|an?)\s+", "", text.strip().lower())
    sentence = re.split(r"\.(?:\s|$)", said)[0]
    if re.match(r"(?:int|integer) or (?:tuple|list|tuple/list)", said):
        return int | list[int]
    if re.match(r"(?:bool|boolean)\b(?! or)", said):
        return bool
    if re.match(r"positive (?:int|integer)\b(?! or)", said):
        return Annotated[int, Field(gt=0)]
    if re.match(r"(?:int|integer)\b(?! or|s)", said):
        return Annotated[int, Field(gt=0)] if "number of filters" in said else int
    if re.match(r"float between 0 and 1\b", said):
        return Annotated[float, Field(ge=0, le=1)]
    if re.match(r"float\b(?! or|,? ?tuple|/)", said) and "tuple" not in sentence and "list" not in sentence:
        return float
    quoted = re.match(r'str(?:ing)?,? (?:either|one of) ((?:[`"\w]+(?:, | or |, or )?)+)', said)
    return _literal_of(quoted.group(1)) if quoted else None


def _literal_of(text: str) -> Any:
    """The quoted words of a sentence as the allowed values, in lower or upper case as Keras takes them."""
    words = re.findall(r'"(\w+)"', text)
    return Literal[tuple(words)] if len(words) > 1 else None
