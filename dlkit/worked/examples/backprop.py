"""Deck 004: forward and backward pass of a small dense network, beside numerical gradients."""

from typing import Literal

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.activations import FUNCTIONS
from dlkit.worked.numbers import Matrices, Matrix
from dlkit.worked.result import Grid, Value, Worked, table

Layers = list[tuple[np.ndarray, np.ndarray]]
STEP = 1e-6


def work(
    x: Matrix = ((0.5, -1),),
    y: Matrix = ((1,),),
    weights: Matrices = (((0.2, -0.4), (0.7, 0.1)), ((0.6,), (-0.3,))),
    biases: Matrices = (((0.1, 0),), ((0.2,),)),
    activation: Literal["sigmoid", "tanh", "relu", "linear"] = "sigmoid",
    cost: Literal["mse", "cross-entropy"] = "mse",
) -> Worked:
    """z, a and delta of every layer of a dense network, and the gradients of its weights and biases.

    x, y: one example per row. weights: one matrix (inputs, units) per layer, biases: one row per layer.
    cost: mse is the squared norm of a - y over n; cross-entropy is that of sigmoids, summed over the outputs.
    """
    inputs, targets = np.array(x, float), np.array(y, float)
    layers = [(np.array(w, float), np.array(b, float).ravel()) for w, b in zip(weights, biases, strict=False)]
    _check(inputs, targets, layers, len(weights), len(biases), activation, cost)
    sums, outputs = forward(inputs, layers, activation)
    deltas, gradients = backward(inputs, targets, layers, activation, cost)
    numeric = _numeric(inputs, targets, layers, activation, cost)
    last = len(layers) - 1
    grids: list[Grid] = []
    for number, (z, a, delta, (w, b), (dw, db)) in enumerate(
        zip(sums, outputs, deltas, numeric, gradients, strict=True), 1
    ):
        rule = "output" if number - 1 == last else f"delta {number} = (delta {number + 1} w^T) f'(z {number})"
        units = [f"unit {place}" for place in range(1, z.shape[1] + 1)]
        grids += [table(f"{word} {number}", units, value) for word, value in (("z", z), ("a", a))]
        grids.append(table(f"delta {number}", units, delta, rule))
        grids.append(table(f"dC/dw {number}", units, dw, f"a {number - 1} delta {number}, summed over examples", 8))
        grids.append(table(f"dC/db {number}", units, db, f"delta {number}, summed over examples", 8))
        grids.append(table(f"dC/dw {number}, numerical", units, w, f"(C(w + h) - C(w - h))/2h, h = {STEP:g}", 8))
        grids.append(table(f"dC/db {number}, numerical", units, b, "", 8))
    wrong = max(
        float(abs(a - b).max())
        for own, other in zip(gradients, numeric, strict=True)
        for a, b in zip(own, other, strict=True)
    )
    return Worked(
        f"Backpropagation, deck 004's equations (8) to (13): {activation}, {cost}",
        tuple(grids),
        (
            Value("C", "cost of the forward pass", _cost(outputs[-1], targets, cost)),
            Value("largest difference", "to the numerical gradients", wrong),
        ),
        (
            "delta of the output is 2 (a - y) f'(z)/n for the squared error, (a - y)/n for cross-entropy with sigmoid",
            "(9) needs a sum over k, (11) the weights of layer l + 1",
        ),
    )


def forward(inputs: np.ndarray, layers: Layers, activation: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return z and a (examples, units) of every layer."""
    sums: list[np.ndarray] = []
    outputs: list[np.ndarray] = []
    for weights, bias in layers:
        sums.append((outputs[-1] if outputs else inputs) @ weights + bias)
        outputs.append(FUNCTIONS[activation][0](sums[-1]))
    return sums, outputs


def backward(
    inputs: np.ndarray, targets: np.ndarray, layers: Layers, activation: str, cost: str
) -> tuple[list[np.ndarray], Layers]:
    """Return delta (examples, units) of every layer, and the gradients of its weights and biases."""
    sums, outputs = forward(inputs, layers, activation)
    slope = FUNCTIONS[activation][1]
    delta = (outputs[-1] - targets) / len(inputs)
    deltas = [2 * delta * slope(sums[-1]) if cost == "mse" else delta]
    for (weights, _), z in zip(layers[:0:-1], sums[-2::-1], strict=True):
        deltas.insert(0, deltas[0] @ weights.T * slope(z))
    before = [inputs, *outputs[:-1]]
    return deltas, [(a.T @ d, d.sum(0)) for a, d in zip(before, deltas, strict=True)]


def _cost(outputs: np.ndarray, targets: np.ndarray, cost: str) -> float:
    if cost == "mse":
        return float(((outputs - targets) ** 2).sum() / len(targets))
    return float(-(targets * np.log(outputs) + (1 - targets) * np.log(1 - outputs)).sum() / len(targets))


def _numeric(inputs: np.ndarray, targets: np.ndarray, layers: Layers, activation: str, cost: str) -> Layers:
    """Return the gradients by central differences."""
    copies = [(w.copy(), b.copy()) for w, b in layers]
    found = [(np.zeros_like(w), np.zeros_like(b)) for w, b in layers]
    for own, slopes in zip(copies, found, strict=True):
        for values, into in zip(own, slopes, strict=True):
            for place in np.ndindex(values.shape):
                kept, ends = values[place], []
                for step in (STEP, -STEP):
                    values[place] = kept + step
                    ends.append(_cost(forward(inputs, copies, activation)[1][-1], targets, cost))
                values[place] = kept
                into[place] = (ends[0] - ends[1]) / (2 * STEP)
    return found


def _check(x: np.ndarray, y: np.ndarray, layers: Layers, weights: int, biases: int, activation: str, cost: str) -> None:
    """Raise InputError unless shapes fit each other and the cost fits the activation."""
    if weights != biases:
        raise InputError(f"there are {weights} weights and {biases} biases", "give one of each per layer")
    width = x.shape[1]
    for number, (w, b) in enumerate(layers, 1):
        if w.shape[0] != width or b.shape != (w.shape[1],):
            raise InputError(
                f"layer {number} has weights {list(w.shape)} and biases {list(b.shape)} for {width} inputs",
                "weights are [inputs, units], biases one row of [units]",
            )
        width = w.shape[1]
    if y.shape != (len(x), width):
        raise InputError(
            f"y has the shape {list(y.shape)}, but the outputs {[len(x), width]}", "give one row per example"
        )
    if cost == "cross-entropy" and activation != "sigmoid":
        raise InputError(
            f"cross-entropy needs outputs of a sigmoid, not {activation}", "set activation=sigmoid or cost=mse"
        )
