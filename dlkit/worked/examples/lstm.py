"""Deck 002: an LSTM, one step after another, with all its gates."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.activations import sigmoid
from dlkit.worked.numbers import Matrix, Vector
from dlkit.worked.result import Value, Worked, numbered, product, shown, table

GATES = ("i", "f", "C~", "o")


def work(
    inputs: Matrix = ((1,), (-1,), (0.5,)),
    kernel: Matrix = ((0.5, 0.6, 0.9, 0.4),),
    recurrent_kernel: Matrix = ((0.1, 0.2, 0.3, 0.4),),
    bias: Vector = (0, 1, 0, 0),
    cell: Vector = (0,),
    output: Vector = (0,),
) -> Worked:
    """An LSTM step by step: gates i, f and o, the candidate C~, the cell C and the output h.

    inputs: one row per step. kernel: (inputs, 4 units), recurrent_kernel: (units, 4 units), both in the order of Keras:
    i, f, C~, o. cell, output: C_0 and h_0, one number or one per unit.
    """
    steps, into, back, offset = (np.array(value, float) for value in (inputs, kernel, recurrent_kernel, bias))
    units = back.shape[0]
    if into.shape != (steps.shape[1], 4 * units) or back.shape[1] != 4 * units or offset.shape != (4 * units,):
        raise InputError(
            f"kernel {list(into.shape)}, recurrent_kernel {list(back.shape)} and bias {list(offset.shape)} do not fit",
            "they are [features, 4 units], [units, 4 units] and [4 units], in the order i, f, C~, o",
        )
    start = [_start(name, value, units) for name, value in (("cell", cell), ("output", output))]
    rows = unrolled(steps, into, back, offset, *start)
    columns = [
        "t",
        *numbered("x", steps.shape[1]),
        *(name for word in ("f", "i", "C~", "C", "o", "h") for name in numbered(word, units)),
    ]
    found = np.c_[np.arange(1, len(steps) + 1), steps, rows]
    count = 4 * units * (units + steps.shape[1] + 1)
    return Worked(
        "LSTM: f, i and o are sigmoids, C~ a tanh; C_t = f C_(t-1) + i C~, h_t = o tanh(C_t)",
        (table("steps", columns, found, digits=8),),
        (
            *_first_step(steps[0], start[1], (into, back, offset)),
            Value("parameters", f"4*{units}*({steps.shape[1]} + {units} + 1)", count),
        ),
        ("all gates see the input and the previous output",),
    )


def _start(name: str, value: Vector, units: int) -> np.ndarray:
    """Return a state before the first step (units,)."""
    if len(value) not in (1, units):
        raise InputError(f"{name} has {len(value)} numbers for {units} units", "give one number, or one per unit")
    return np.broadcast_to(np.array(value, float), (units,))


def unrolled(
    steps: np.ndarray, into: np.ndarray, back: np.ndarray, offset: np.ndarray, cell: np.ndarray, output: np.ndarray
) -> np.ndarray:
    """Return f, i, C~, C, o and h (each of all units) in one row per step, from the state (cell, output)."""
    rows = []
    for step in steps:
        i, f, candidate, o = np.split(step @ into + output @ back + offset, 4)
        i, f, candidate, o = sigmoid(i), sigmoid(f), np.tanh(candidate), sigmoid(o)
        cell = f * cell + i * candidate
        output = o * np.tanh(cell)
        rows.append(np.concatenate([f, i, candidate, cell, o, output]))
    return np.array(rows)


def _first_step(
    step: np.ndarray, output: np.ndarray, weights: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> list[Value]:
    """Return the first step of the first unit, gate by gate; the previous output is left out where it is 0."""
    into, back, offset = weights
    found, units = [], len(back)
    seen = np.concatenate([step, output]) if output.any() else step
    rows = np.concatenate([into, back])[: len(seen)]
    for place, gate in enumerate(GATES):
        column = place * units
        z = float(seen @ rows[:, column] + offset[column])
        name, value = ("tanh", np.tanh(z)) if gate == "C~" else ("sigmoid", sigmoid(np.array(z)))
        text = f"{name}({product(rows[:, column].tolist(), seen.tolist())} + {shown(offset[column])})"
        found.append(Value(f"{gate} of the first step", text, float(value)))
    return found
