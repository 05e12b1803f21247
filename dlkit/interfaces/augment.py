"""Declare the arguments of an augmentation.

An augmentation is a function in `components/augment/`. Without a declaration, it is called as
`f(images, masks, seeds, *, settings)` and returns `(images, masks)`: images (n, height, width, channels) of any numeric
dtype, masks (n, height, width) or None, seeds int32 (n, 2), one pair per example.

    @takes(epoch=True)
    def alternating_flip(images, masks, seeds, epoch): ...

    @takes(others=True, images=False)
    def mixup(inputs, others, seeds, *, alpha=0.2): ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])
_ATTRIBUTE = "_dlkit_takes"


@dataclass(frozen=True)
class Takes:
    """The arguments that an augmentation is called with.

    images: requires examples of shape (height, width, channels). epoch: gets the epoch as a fourth argument, an int64
    scalar, and the same seeds in every epoch. others: gets other examples of the batch instead of masks, and returns
    the mixed inputs and the weight (n,) of the others in each, by which the targets are also mixed. recordings:
    requires examples of shape (samples,). features: gets the network's inputs, after preprocessing, instead of the
    source's; they must have the shape (frames, features).
    """

    images: bool = True
    epoch: bool = False
    others: bool = False
    recordings: bool = False
    features: bool = False


def takes(*, images: bool = True, **others: bool) -> Callable[[Function], Function]:
    """Declare the arguments of an augmentation; see Takes."""

    def declared(function: Function) -> Function:
        function.__dict__[_ATTRIBUTE] = Takes(images, **others)
        return function

    return declared


def taken_by(function: Callable[..., Any]) -> Takes:
    """Return the declared arguments of an augmentation, by default images only."""
    found: Takes = getattr(function, _ATTRIBUTE, Takes())
    return found
