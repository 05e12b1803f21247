"""Deck 004: argmax, softmax and the negative log-likelihood."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.activations import softmax
from dlkit.worked.fixtures import Z
from dlkit.worked.numbers import Vector
from dlkit.worked.result import Value, Worked, shown, table


def work(z: Vector = Z, target: int = 4) -> Worked:
    """The softmax of outputs z, their argmax, and the negative log-likelihood of the target class."""
    values = np.array(z, float)
    if not 0 <= target < len(values):
        raise InputError(f"target is {target}, but the classes are 0 to {len(values) - 1}", "give one of the classes")
    probabilities = softmax(values)
    rows = np.c_[np.arange(len(values)), values, np.exp(values - values.max()), probabilities]
    likely = float(probabilities[target])
    loss = float(np.logaddexp.reduce(values) - values[target])
    return Worked(
        "Softmax: e^z divided by the sum of all e^z",
        (table("softmax", ("class", "z", "e^(z - max z)", "softmax"), rows, digits=10),),
        (
            Value("sum of the probabilities", " + ".join(shown(p) for p in probabilities), float(probabilities.sum())),
            Value("argmax", "class with the largest z", int(values.argmax())),
            Value("negative log-likelihood", f"-ln {likely:.10g}", loss),
        ),
        ("the deck writes -ln z_y; the logarithm is of the softmax",),
    )
