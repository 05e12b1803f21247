"""A GRU, one step after another, with its gates."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.activations import sigmoid
from dlkit.worked.numbers import Matrix
from dlkit.worked.result import Value, Worked, numbered, product, shown, table


def work(
    inputs: Matrix = ((1,), (-1,), (0.5,)),
    kernel: Matrix = ((0.5, 0.6, 0.9),),
    recurrent_kernel: Matrix = ((0.1, 0.2, 0.3),),
    bias: Matrix = ((0, 0, 0), (0, 0, 0.1)),
) -> Worked:
    """A GRU step by step: update gate z, reset gate r, candidate h~ and output h.

    inputs: one row per step. kernel: (inputs, 3 units), recurrent_kernel: (units, 3 units), bias: (2, 3 units), for the
    input and for the previous output (reset_after) or (1, 3 units) (reset before); all in the order of Keras: z, r, h~.
    """
    steps, into, back, offset = (np.array(value, float) for value in (inputs, kernel, recurrent_kernel, bias))
    units = back.shape[0]
    fit = into.shape == (steps.shape[1], 3 * units) and back.shape[1] == 3 * units
    if not fit or offset.shape not in ((1, 3 * units), (2, 3 * units)):
        raise InputError(
            f"kernel {list(into.shape)}, recurrent_kernel {list(back.shape)} and bias {list(offset.shape)} do not fit",
            "they are [features, 3 units], [units, 3 units] and [2, 3 units] or [1, 3 units], in the order z, r, h~",
        )
    columns = [
        "t",
        *numbered("x", steps.shape[1]),
        *(name for word in ("z", "r", "h~", "h") for name in numbered(word, units)),
    ]
    found = np.c_[np.arange(1, len(steps) + 1), steps, unrolled(steps, into, back, offset)]
    count = 3 * units * (steps.shape[1] + units + len(offset))
    after = len(offset) == 2
    candidate = "r (h_(t-1) U + b_h)" if after else "(r h_(t-1)) U"
    return Worked(
        f"GRU: z and r are sigmoids, h~ = tanh(x W + b + {candidate}); h_t = z h_(t-1) + (1 - z) h~",
        (table("steps", columns, found, digits=8),),
        (
            *_first_step(steps[0], into, offset, units),
            Value("parameters", f"3*{units}*({steps.shape[1]} + {units} + {len(offset)})", count),
        ),
        ("the output begins with 0",),
    )


def unrolled(steps: np.ndarray, into: np.ndarray, back: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return z, r, h~ and h (each of all units) in one row per step, from an output of 0."""
    output, rows = np.zeros(len(back)), []
    for step in steps:
        z_in, r_in, h_in = np.split(step @ into + offset[0], 3)
        z_back, r_back, h_back = np.split(output @ back + (offset[1] if len(offset) == 2 else 0), 3)
        z, r = sigmoid(z_in + z_back), sigmoid(r_in + r_back)
        if len(offset) == 1:
            h_back = (r * output) @ back[:, 2 * len(back) :]
        candidate = np.tanh(h_in + (r * h_back if len(offset) == 2 else h_back))
        output = z * output + (1 - z) * candidate
        rows.append(np.concatenate([z, r, candidate, output]))
    return np.array(rows)


def _first_step(step: np.ndarray, into: np.ndarray, offset: np.ndarray, units: int) -> list[Value]:
    """Return the gates of the first unit in the first step, which sees no previous output."""
    found = []
    for place, gate in enumerate(("z", "r")):
        column = place * units
        bias = offset[:, column].sum()
        value = float(sigmoid(np.array(step @ into[:, column] + bias)))
        text = f"sigmoid({product(into[:, column].tolist(), step.tolist())} + {shown(bias)})"
        found.append(Value(f"{gate} of the first step", text, value))
    return found
