"""Find the fields of a section by pydantic's annotations and errors."""

from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from dlkit.catalog.kinds import Place
from dlkit.recipe.reader import KeyPath


def by_place(error: ValidationError) -> list[list[Any]]:
    """Return the errors grouped by position; if a union reports both a whole and a part of it, keep only the part."""
    groups: dict[KeyPath, list[Any]] = {}
    for detail in error.errors(include_url=False):
        groups.setdefault(keys_of(detail), []).append(detail)
    return [
        details
        for path, details in groups.items()
        if not any(other[: len(path)] == path and other != path for other in groups)
    ]


def keys_of(detail: Any) -> KeyPath:
    """Return a pydantic path without the names of union types, which an unknown key may resemble."""
    *around, last = detail["loc"] or ("",)
    parts = [*(part for part in around if isinstance(part, int) or _is_key(part))]
    known = isinstance(last, int) or detail["type"] == "extra_forbidden" or _is_key(last)
    return (*parts, last) if known else tuple(parts)


def _is_key(part: str) -> bool:
    """Return whether a part of a pydantic path is a key of the recipe rather than the name of a union type."""
    return (part.replace("_", "").replace(".", "").isalnum() and part not in _TYPE_NAMES) or part in ("list",)


_TYPE_NAMES = {"int", "float", "str", "bool", "Validation", "Resize", "constrained"}


def place_of(field: FieldInfo) -> Place | None:
    """Return the Place of a field that contains a component or a list of components, optional or not; else None."""
    inner = (mark for part in _flattened(field.annotation) for mark in getattr(part, "__metadata__", ()))
    return next((mark for mark in (*field.metadata, *inner) if isinstance(mark, Place)), None)


def section_of(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field contains, alone or in a list, else None."""
    for item in (annotation, *get_args(annotation)):
        if isinstance(item, type) and issubclass(item, BaseModel):
            return item
    return None


def keys_in(model: type[BaseModel]) -> list[str]:
    """Return the keys of a section as a recipe writes them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel]:
    """Return the section at a path inside another section."""
    for part in path:
        field = model.model_fields.get(str(part))
        if field is None:
            continue
        sections = [
            item for item in _flattened(field.annotation) if isinstance(item, type) and issubclass(item, BaseModel)
        ]
        model = sections[0] if sections else model
    return model


def _flattened(annotation: Any) -> list[Any]:
    return [annotation, *(inner for item in get_args(annotation) for inner in _flattened(item))]
