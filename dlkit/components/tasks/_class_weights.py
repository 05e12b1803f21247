"""The weights of classes as a recipe writes them: a list, or a mapping by class name."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.errors import InputError, closest
from dlkit.interfaces.data import Description


def check_weights(given: Any, description: Description, key: str) -> None:
    """Raise InputError with the key when the weights of classes do not fit the data, as far as its names are known."""
    if not (description.unnamed and isinstance(given, Mapping)):
        weights_of(given, description.class_names, key)


def weights_of(given: Any, class_names: Sequence[str], key: str) -> list[float]:
    """Return one weight for each class, 1 for classes that a mapping omits; 1 for all without a list or mapping.

    Raises InputError with the key when they do not fit the classes.
    """
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in class_names]
        if unknown:
            raise InputError(f"there is no class {unknown[0]!r}", closest(unknown[0], list(class_names)), key=key)
        return [float(given.get(name, 1.0)) for name in class_names]
    if not isinstance(given, list):
        return [1.0] * len(class_names)
    if len(given) != len(class_names):
        raise InputError(
            f"{len(given)} class weights for {len(class_names)} classes",
            f"give one weight for each of: {', '.join(class_names)}",
            key=key,
        )
    return [float(weight) for weight in given]
