"""Decks 001, 002 and 004: dropout in training and at inference, as the deck and as Keras scale it."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.numbers import Vector
from dlkit.worked.result import Value, Worked, table


def work(
    values: Vector = (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4),
    rate: float = 0.5,
    seed: int = 0,
    kept: Vector | None = None,
) -> Worked:
    """Dropout on and off; rate is the probability of dropping; kept: 1 and 0 per value instead of a draw from seed."""
    inputs = np.array(values, float)
    if not 0 <= rate < 1 or seed < 0:
        raise InputError(f"rate is {rate:g} and seed {seed}", "rate is from 0 to below 1, seed at least 0")
    drawn = np.random.default_rng(seed).random(inputs.size) >= rate
    mask = drawn.astype(float) if kept is None else np.array(kept, float)
    if mask.shape != inputs.shape or not np.isin(mask, (0, 1)).all():
        raise InputError(f"kept is not {inputs.size} numbers 0 or 1", "give one per value")
    rows = np.c_[inputs, mask, inputs * mask, inputs * mask / (1 - rate), inputs, inputs * (1 - rate)]
    columns = ("x", "kept", "training, deck", "training, Keras", "inference, Keras", "inference, deck")
    return Worked(
        f"Dropout with a rate of {rate:g}",
        (table("values", columns, rows),),
        (
            Value("factor of Keras in training", f"1/(1 - {rate:g})", 1 / (1 - rate)),
            Value("factor of the deck at inference", f"1 - {rate:g}", 1 - rate),
        ),
        ("both give the same mean: the deck shrinks at inference, Keras enlarges what it keeps in training",),
    )
