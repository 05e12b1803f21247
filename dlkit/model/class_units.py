"""The word `classes` as a number of units or filters: the recipe's head follows the data."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dlkit.catalog.create import Component
from dlkit.catalog.kinds import COUNTS_CLASSES
from dlkit.errors import InputError
from dlkit.interfaces.task import TargetSpec


def with_class_units(component: Component, targets: TargetSpec) -> Component:
    """Return a model's component with `classes` replaced, at any depth, by the number of classes of the targets.

    Raise InputError at the layer if the targets are not classes.
    """

    def filled(value: Any, around: Component) -> Any:
        if isinstance(value, Component):
            return replace(value, settings=filled(value.settings, value))
        if isinstance(value, list):
            return [filled(item, around) for item in value]
        if isinstance(value, Mapping):
            return {key: count(around) if _is_word(key, item) else filled(item, around) for key, item in value.items()}
        return value

    def count(around: Component) -> int:
        if not targets.class_names:
            raise InputError(
                f"{around.name} should have one unit per class, but the data has values instead of classes",
                "give the number of units",
                location=around.location,
            )
        return len(targets.class_names) + targets.others

    found: Component = filled(component, component)
    return found


def _is_word(key: str, value: Any) -> bool:
    return key in COUNTS_CLASSES and value == "classes"
