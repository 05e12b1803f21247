"""Deck 003: the Kullback-Leibler divergence of two distributions."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.fixtures import KL_P, KL_Q
from dlkit.worked.numbers import Vector
from dlkit.worked.result import Value, Worked, shown, table


def work(p: Vector = KL_P, q: Vector = KL_Q) -> Worked:
    """The divergence sum of p ln(p/q) in both directions, which are not the same."""
    first, second = np.array(p, float), np.array(q, float)
    if first.shape != second.shape:
        raise InputError(f"p has {first.size} numbers, but q has {second.size}", "give both the same number")
    for name, values in (("p", first), ("q", second)):
        if values.min() <= 0 or abs(values.sum() - 1) > 1e-6:
            raise InputError(
                f"{name} is not a distribution: its sum is {shown(values.sum())}", "give numbers above 0 with the sum 1"
            )
    there, back = first * np.log(first / second), second * np.log(second / first)
    columns = ("p", "q", "p ln(p/q)", "q ln(q/p)")
    return Worked(
        "Kullback-Leibler divergence: the sum of p ln(p/q)",
        (table("terms", columns, np.c_[first, second, there, back], digits=10),),
        (
            Value("KL(p || q)", " + ".join(shown(term) for term in there), float(there.sum())),
            Value("KL(q || p)", " + ".join(shown(term) for term in back), float(back.sum())),
        ),
    )
