"""Build components from a recipe: import them, call them, and report errors with their position."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dlkit.catalog.find import load
from dlkit.catalog.roots import raised_in
from dlkit.errors import DlkitError, Location, Problem, RecipeError, keras_reason, located


@dataclass(frozen=True)
class Component:
    """A component's name and checked settings; nested components are also Components."""

    namespace: str
    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    location: Location | None = None


def create(component: Component, *context: Any) -> Any:
    """Build a component from the program's `context` and its settings, nested components first.

    Raise RecipeError with the component's position when it does not accept these settings.
    """
    settings = {key: _created(value) for key, value in component.settings.items()}
    target = load(component.namespace, component.name)
    try:
        built = target(*context, **settings)
    except (ValueError, TypeError) as error:
        message = f"{component.name} does not accept these settings: {keras_reason(error)}"
        raise RecipeError([Problem(message, "", "", component.location)]) from error
    except Exception as error:
        place = None if isinstance(error, DlkitError) else raised_in(error)
        if place is None:
            raise
        message = f"{component.name} fails in {place}: {type(error).__name__}: {error}"
        raise RecipeError([Problem(message, "correct the file", "", component.location)]) from error
    _remember(built, component.location)
    return built


def create_at(component: Component) -> Any:
    """Build a component; errors without a position get the component's position."""
    try:
        return create(component)
    except DlkitError as error:
        raise located(error, component.location) from error


def locate(built: Any) -> Location | None:
    """Return the recipe position of an object built by create(), or None."""
    location: Location | None = getattr(built, "_recipe_location", None)
    return location


def _created(value: Any) -> Any:
    if isinstance(value, Component):
        return create(value)
    if isinstance(value, list):
        return [_created(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _created(item) for key, item in value.items()}
    return value


def _remember(built: Any, location: Location | None) -> None:
    """Store the position on the object; objects without a __dict__ are skipped, and their position is never needed."""
    if hasattr(built, "__dict__") and not isinstance(built, type):
        built.__dict__["_recipe_location"] = location
