"""Decks 003 and 004: cross-entropy, squared and absolute errors, as the decks and as Keras define them."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.fixtures import P, T
from dlkit.worked.numbers import Vector
from dlkit.worked.result import Value, Worked, shown, table


def work(t: Vector = T, p: Vector = P) -> Worked:
    """Losses of outputs p for targets t: cross-entropy of sigmoids, squared error and absolute error."""
    targets, outputs = np.array(t, float), np.array(p, float)
    check_pair(targets, outputs)
    if ((outputs == 0) & (targets > 0)).any() or ((outputs == 1) & (targets < 1)).any():
        raise InputError("an output of exactly 0 or 1 is wrong, so that its -ln 0 is infinite", "write 0.001 or 0.999")
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nan_to_num(targets * np.log(outputs)) - np.nan_to_num((1 - targets) * np.log(1 - outputs))
    errors = {
        "cross-entropy": entropy,
        "squared error": (targets - outputs) ** 2,
        "absolute error": abs(targets - outputs),
    }
    results = [
        _total("cross-entropy of the deck", "sum over outputs", entropy),
        _mean("cross-entropy of Keras", "mean over outputs", entropy),
        _total("squared error of the deck", "squared norm, n = 1", errors["squared error"]),
        _mean("squared error of Keras", "mean over outputs", errors["squared error"]),
        _mean("absolute error", "mean over outputs", errors["absolute error"]),
    ]
    rows = np.c_[targets, outputs, *errors.values()]
    return Worked(
        "Losses: -(t ln p + (1 - t) ln(1 - p)), (t - p)^2 and |t - p|",
        (table("outputs", ("t", "p", *errors), rows, digits=10),),
        tuple(results),
        ("the deck sums over the outputs, Keras averages over them",),
    )


def check_pair(targets: np.ndarray, outputs: np.ndarray) -> None:
    """Raise InputError unless targets and outputs have the same shape and lie between 0 and 1."""
    if targets.shape != outputs.shape:
        raise InputError(f"t has {targets.size} numbers, but p has {outputs.size}", "give both the same number")
    for name, values in (("t", targets), ("p", outputs)):
        if values.min() < 0 or values.max() > 1:
            raise InputError(
                f"{name} is not between 0 and 1: {shown(values.min())} to {shown(values.max())}", "correct it"
            )


def _total(name: str, how: str, terms: np.ndarray) -> Value:
    return Value(name, f"{how}: {' + '.join(shown(term) for term in terms)}", float(terms.sum()))


def _mean(name: str, how: str, terms: np.ndarray) -> Value:
    return Value(name, f"{how}: {shown(terms.sum(), 10)}/{len(terms)}", float(terms.mean()))
