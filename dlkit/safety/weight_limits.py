"""Limit the weights of a network while it is built, so that a recipe cannot exhaust the memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

from dlkit.errors import InputError
from dlkit.machine.hardware import memory
from dlkit.safety.files import MAX_VALUES

FLOAT_BYTES = 4


@contextmanager
def bounded_weights() -> Iterator[None]:
    """Raise InputError in this context before a weight exceeds MAX_VALUES or the machine's memory in total.

    Layers create every weight with add_weight, which checks the size before allocating memory.
    """
    import keras

    original, total = keras.Layer.add_weight, 0

    def add_weight(layer: Any, shape: Any = None, *args: Any, **settings: Any) -> Any:
        nonlocal total
        total += prod(shape) if isinstance(shape, tuple | list) else int(shape or 1)
        _check(layer, total)
        return original(layer, shape, *args, **settings)

    keras.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.Layer.add_weight = original


def _check(layer: Any, total: int) -> None:
    most = min(MAX_VALUES, memory().total // FLOAT_BYTES)
    if total > most:
        raise InputError(
            f"{type(layer).__name__} {layer.name} brings the network to {total:,} values, "
            f"but at most {most:,} are allowed",
            "make this layer or the one before it smaller",
        )
