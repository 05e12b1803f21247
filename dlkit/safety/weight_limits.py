"""A bound on the weights of a network while it is being built, so that a recipe cannot ask for all memory."""

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
    """Inside, a weight that brings the total past MAX_VALUES or the machine's memory is an InputError, not allocated.

    Layers ask Keras for every weight through add_weight, before any memory is taken.
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
            f"{type(layer).__name__} {layer.name} brings the network to {total:,} values, at most {most:,} are allowed",
            "make this layer or the one before it smaller",
        )
