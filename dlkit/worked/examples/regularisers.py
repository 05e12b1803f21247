"""Deck 004: one update of gradient descent with the penalties L2 and L1."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.fixtures import ETA, EXAMPLES, LAMBDA, WEIGHTS
from dlkit.worked.numbers import Vector
from dlkit.worked.result import Value, Worked, shown, table
from dlkit.worked.windows import check_positive


def work(
    weights: Vector = WEIGHTS,
    examples: int = EXAMPLES,
    lambda_: float = LAMBDA,
    learning_rate: float = ETA,
    gradient: Vector = (0,),
) -> Worked:
    """One update of weights without a penalty, with L2 and with L1; gradient: that of the cost without penalty."""
    check_positive(examples=examples)
    w, slope = np.array(weights, float), np.array(gradient, float)
    if len(slope) not in (1, len(w)):
        raise InputError(f"gradient has {len(slope)} numbers for {len(w)} weights", "give one, or one per weight")
    share = lambda_ / examples
    steps = {"none": slope + 0 * w, "L2": slope + share * w, "L1": slope + share * np.sign(w)}
    rows = np.c_[w, *(w - learning_rate * step for step in steps.values())]
    squares, sizes = float((w**2).sum()), float(abs(w).sum())
    return Worked(
        "Penalties: C = C0 + lambda R",
        (table("weights after one update", ("w", *steps), rows, "w := w - eta (dC0/dw + lambda dR/dw)", 10),),
        (
            Value("R of L2", f"{shown(squares)}/(2*{examples})", squares / (2 * examples)),
            Value("R of L1", f"{shown(sizes)}/{examples}", sizes / examples),
            Value("decay factor of L2", f"1 - {learning_rate:g}*{lambda_:g}/{examples}", 1 - learning_rate * share),
            Value("l2 of Keras", f"{lambda_:g}/(2*{examples})", share / 2),
            Value("l1 of Keras", f"{lambda_:g}/{examples}", share),
        ),
        ("L2 shrinks large weights most, L1 takes the same from each, so that small ones become 0",),
    )
