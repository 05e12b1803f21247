"""Deck 002: a simple recurrent layer, unrolled, and the bound of its gradient through time."""

from typing import Literal

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.activations import FUNCTIONS
from dlkit.worked.fixtures import W_IN, W_REC
from dlkit.worked.numbers import Matrix, Vector
from dlkit.worked.result import Grid, Value, Worked, numbered, product, shown, table

Activation = Literal["tanh", "sigmoid", "relu", "linear"]


def work(
    inputs: Matrix = ((1,), (0.5,), (-1,), (0,), (2,), (1,), (-0.5,), (0,), (1,), (-2,), (1,)),
    w_in: Matrix = ((W_IN,),),
    w_rec: Matrix = ((W_REC,),),
    bias: Vector = (0,),
    activation: Activation = "tanh",
) -> Worked:
    """h_t = f(i_t w_in + h_(t-1) w_rec + bias) step by step, and dh_T/di_(T-k) below |w_rec|^k |w_in|.

    inputs: one row per step. w_in: (inputs, units). w_rec: (units, units).
    """
    steps, into, back, offset = (np.array(value, float) for value in (inputs, w_in, w_rec, bias))
    _check(steps, into, back, offset)
    z, h = unrolled(steps, into, back, offset, activation)
    units = len(back)
    columns = ["t", *numbered("i", steps.shape[1]), *numbered("z", units), *numbered("h", units)]
    rows = np.c_[np.arange(1, len(steps) + 1), steps, z, h]
    numbers = [*into[:, 0], *back[:, 0]]
    before = [*steps[0], *np.zeros(units)]
    first = Value("z of the first step", f"{product(numbers, before)} + {shown(offset[0])}", float(z[0, 0]))
    return Worked(
        f"Recurrent layer: h_t = {activation}(w_in i_t + w_rec h_(t-1) + b)",
        (table("steps", columns, rows), _gradients(z, into, back, activation)),
        (first, Value("h of the first step", f"{activation}({shown(z[0, 0])})", float(h[0, 0]))),
        ("the bound holds where |f'| <= 1, as for tanh, sigmoid and ReLU",),
    )


def unrolled(
    steps: np.ndarray, into: np.ndarray, back: np.ndarray, offset: np.ndarray, activation: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return z and h (steps, units) of a sequence, from a state of 0."""
    state, sums, states = np.zeros(len(back)), [], []
    for step in steps:
        sums.append(step @ into + state @ back + offset)
        state = FUNCTIONS[activation][0](sums[-1])
        states.append(state)
    return np.array(sums), np.array(states)


def gradient_through_time(z: np.ndarray, into: np.ndarray, back: np.ndarray, activation: str, k: int) -> np.ndarray:
    """Return dh_T/di_(T-k), shape (inputs, units), of the last step T."""
    slopes = FUNCTIONS[activation][1](z)
    found = into * slopes[-1 - k]
    for step in range(k - 1, -1, -1):
        found = found @ back * slopes[-1 - step]
    return np.asarray(found)


def _gradients(z: np.ndarray, into: np.ndarray, back: np.ndarray, activation: str) -> Grid:
    rows = []
    for k in range(len(z)):
        size = np.linalg.norm(gradient_through_time(z, into, back, activation, k), 2)
        rows.append([k, size, np.linalg.norm(back, 2) ** k * np.linalg.norm(into, 2)])
    columns = ("k", "|dh_T/di_(T-k)|", "|w_rec|^k |w_in|")
    return table("gradient through time", columns, rows, "largest singular values", 8)


def _check(steps: np.ndarray, into: np.ndarray, back: np.ndarray, offset: np.ndarray) -> None:
    """Raise InputError unless the shapes fit each other."""
    units = into.shape[1]
    if into.shape[0] != steps.shape[1] or back.shape != (units, units) or len(offset) not in (1, units):
        shapes = [list(values.shape) for values in (steps, into, back, offset)]
        raise InputError(
            "inputs {}, w_in {}, w_rec {} and bias {} do not fit".format(*shapes),
            "inputs are [steps, features], w_in [features, units], w_rec [units, units], bias one number or [units]",
        )
