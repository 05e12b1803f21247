"""Sums of two binary numbers, read digit by digit: the task of the lecture's recurrent network."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import Field

from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, Description, Resizer, Split, check_split, seeded_split


@dataclass(frozen=True, kw_only=True)
class BinaryAddition:
    """Pairs of numbers below 2^(bits - 1) as `bits` binary digits, the lowest first, and the digits of their sum.

    No pair is drawn twice, so that no pair of the test split is in train.
    """

    examples: Annotated[int, Field(ge=2, le=1_000_000)] = 1000
    bits: Annotated[int, Field(ge=2, le=32)] = 8
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.3
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def __post_init__(self) -> None:
        pairs = 4 ** (self.bits - 1)
        if self.examples > pairs:
            raise InputError(
                f"examples is {self.examples:,}, but numbers of {self.bits - 1} bits have {pairs:,} pairs",
                "give fewer examples, or more bits",
            )

    @cached_property
    def _splits(self) -> dict[str, Split]:
        drawn = _distinct(np.random.default_rng(self.seed), 4 ** (self.bits - 1), self.examples)
        first, second = np.divmod(drawn, 2 ** (self.bits - 1))
        digits = [_digits(numbers, self.bits) for numbers in (first, second, first + second)]
        both = Split(np.stack(digits[:2], axis=-1), digits[2][..., np.newaxis].astype(np.float64))
        train, test = seeded_split(both.targets, self.test_fraction, self.seed, stratify=False)
        return {"train": both.select(train), "test": both.select(test)}

    def describe(self) -> Description:
        """Return two digits per step as the input, and one as the target."""
        counts = {name: len(split) for name, split in self._splits.items()}
        return Description(ArraySpec((self.bits, 2), "uint8"), ArraySpec((self.bits, 1), "float64"), (), counts)

    def load(self, split: str, resize: Resizer | None) -> Split:
        """Return digits uint8 (n, bits, 2), and those of the sums, float64 (n, bits, 1)."""
        check_split(split, self._splits)
        return self._splits[split]


def _distinct(draw: np.random.Generator, below: int, count: int) -> np.ndarray:
    """Return different numbers int64 (count,) below a limit, in the order in which they are drawn."""
    if below <= 4 * count:
        return draw.permutation(below)[:count]
    found = np.array([], np.int64)
    while len(found) < count:
        found = np.concatenate([found, draw.integers(0, below, count - len(found))])
        found = found[np.sort(np.unique(found, return_index=True)[1])]
    return found


def _digits(numbers: np.ndarray, bits: int) -> np.ndarray:
    """Return the binary digits uint8 (n, bits) of numbers (n,), the lowest first."""
    return (numbers[:, np.newaxis] >> np.arange(bits) & 1).astype(np.uint8)
