"""What an augmentation takes beside the examples it changes.

An augmentation is a function in `components/augment/`. Without a declaration it is called as
`f(images, masks, seeds, *, settings)` and returns `(images, masks)`: images (n, height, width, channels) of any number
type, masks (n, height, width) or None, seeds int32 (n, 2), one pair for each example.

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
    """What an augmentation is called with.

    images: needs examples (height, width, channels). epoch: is called with the epoch as a fourth argument, an int64
    scalar, and gets the same seeds in every epoch. others: is called with other examples of the batch in place of
    masks, and returns the mixed inputs and the share (n,) of the others in each, by which the targets are mixed too.
    """

    images: bool = True
    epoch: bool = False
    others: bool = False


def takes(*, images: bool = True, epoch: bool = False, others: bool = False) -> Callable[[Function], Function]:
    """Declare what an augmentation takes; see Takes."""

    def declared(function: Function) -> Function:
        function.__dict__[_ATTRIBUTE] = Takes(images, epoch, others)
        return function

    return declared


def taken_by(function: Callable[..., Any]) -> Takes:
    """Return what an augmentation takes: images alone, unless it declares otherwise."""
    found: Takes = getattr(function, _ATTRIBUTE, Takes())
    return found
