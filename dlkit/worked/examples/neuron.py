"""Deck 000: one sigmoid neuron, trained by gradient descent on all samples at once."""

import numpy as np

from dlkit.errors import InputError
from dlkit.worked.activations import sigmoid
from dlkit.worked.fixtures import SAMPLES, START
from dlkit.worked.numbers import Matrix, Vector
from dlkit.worked.result import Grid, Value, Worked, product, shown, table

MOST_EPOCHS = 100_000


def work(
    rows: Matrix = SAMPLES,
    weights: Vector = START,
    learning_rate: float = 0.1,
    until: float = 0.01,
    epochs: int = 1000,
) -> Worked:
    """One neuron on samples [x1, x2, ..., label]: z, y and loss of each, then gradients and weights by epoch."""
    samples, start = np.array(rows, float), np.array(weights, float)
    _check(samples, start, epochs)
    inputs, labels = np.c_[np.ones(len(samples)), samples[:, :-1]], samples[:, -1]
    history = descent(inputs, labels, start, learning_rate, until, epochs)
    last, width = history[-1][-len(start) :], len(start)
    names = [f"w{place}" for place in range(width)]
    columns = ["epoch", "loss", *(f"dJ/d{name}" for name in names), *names]
    z = float(inputs[0] @ start)
    first = Value("z of sample 0", product(start.tolist(), inputs[0].tolist()), z)
    squeezed = Value("y of sample 0", f"1/(1 + e^-({shown(z)}))", float(sigmoid(np.array(z))))
    return Worked(
        "One neuron: y = sigmoid(w0 + w1 x1 + ...), J = sum of (y - t)^2/2 over the samples",
        (
            _sample_table("samples at the start", inputs, labels, start),
            table("training", columns, history, "w := w - learning_rate * dJ/dw; loss before the update", 17),
            _sample_table("samples at the end", inputs, labels, last),
        ),
        (first, squeezed),
        (f"{len(history)} updates with learning_rate {learning_rate:g}; dJ/dw = sum of (y - t) y (1 - y) x",),
    )


def _check(samples: np.ndarray, start: np.ndarray, epochs: int) -> None:
    if samples.shape[1] != len(start):
        raise InputError(
            f"rows have {samples.shape[1] - 1} inputs and a label, but there are {len(start)} weights",
            f"give {samples.shape[1]} weights: w0 is the bias, then one per input",
        )
    if not np.isin(samples[:, -1], (0, 1)).all():
        raise InputError("the last column of rows is not a label 0 or 1", "write rows such as '2 4 1; 5 2 0'")
    if not 1 <= epochs <= MOST_EPOCHS:
        raise InputError(f"epochs is {epochs}", f"epochs is from 1 to {MOST_EPOCHS:,}")


def descent(
    inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray, rate: float, until: float, epochs: int
) -> np.ndarray:
    """Return one row per epoch: its number, the loss before its update, the gradient, and the weights after it.

    inputs: (n, 1 + features), the first column 1. It ends after the first epoch whose loss is below `until`.
    """
    history = []
    for epoch in range(epochs):
        y = sigmoid(inputs @ weights)
        loss = float(np.sum((y - labels) ** 2) / 2)
        gradient = ((y - labels) * y * (1 - y)) @ inputs
        weights = weights - rate * gradient
        history.append([epoch, loss, *gradient, *weights])
        if loss < until:
            break
    return np.array(history)


def _sample_table(name: str, inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Grid:
    z = inputs @ weights
    y = sigmoid(z)
    right = (y > 0.5) == (labels > 0.5)
    columns = ["sample", *(f"x{place}" for place in range(1, inputs.shape[1])), "t", "z", "y", "loss", "verdict"]
    numbers = np.c_[np.arange(len(labels)), inputs[:, 1:], labels, z, y, (y - labels) ** 2 / 2]
    rows = [[*row, "right" if good else "wrong"] for row, good in zip(numbers.tolist(), right, strict=True)]
    return table(name, columns, rows, f"{right.sum()} of {len(labels)} right")
