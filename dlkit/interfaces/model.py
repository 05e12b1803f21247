"""The interface for builders of models: initial weights, and the first layers of another run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_ATTRIBUTE = "_dlkit_start_weights"


@dataclass(frozen=True)
class SourceLayers:
    """The first layers of another run's network, which a builder gets for `weights: {run: RUN, upto: LAYER}`.

    build: returns an untrained nested model named `backbone` and a function that loads its weights; both raise
    DlkitError.
    """

    build: Callable[[], tuple[Any, Callable[[], None]]]


def set_start_weights(network: Any, load: Callable[[], None]) -> None:
    """Set the function that loads a network's initial weights; `load` raises DlkitError when they are unavailable."""
    network.__dict__[_ATTRIBUTE] = load


def start_weights_of(network: Any) -> Callable[[], None] | None:
    """Return the function that loads a network's initial weights, or None if its builder did not set one."""
    load: Callable[[], None] | None = network.__dict__.get(_ATTRIBUTE)
    return load
