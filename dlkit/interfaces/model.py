"""What the builder of a model may ask of the program: weights to begin with, and the first layers of another run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_ATTRIBUTE = "_dlkit_start_weights"


@dataclass(frozen=True)
class SourceLayers:
    """The first layers of another run's network: what `weights: {run: RUN, upto: LAYER}` becomes for a builder.

    build: returns a nested model called `backbone`, not yet trained, and what reads its weights; both raise DlkitError.
    """

    build: Callable[[], tuple[Any, Callable[[], None]]]


def set_start_weights(network: Any, load: Callable[[], None]) -> None:
    """Say how a network's start weights are read; `load` raises DlkitError when they cannot be had."""
    network.__dict__[_ATTRIBUTE] = load


def start_weights_of(network: Any) -> Callable[[], None] | None:
    """Return what reads a network's start weights, if its builder named any."""
    load: Callable[[], None] | None = network.__dict__.get(_ATTRIBUTE)
    return load
