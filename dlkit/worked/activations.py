"""The decks' activation functions and their derivatives, as functions of z."""

from collections.abc import Callable

import numpy as np

Function = Callable[[np.ndarray], np.ndarray]
LEAK = 0.1


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1/(1 + e^-z), without overflow for large |z|."""
    return np.asarray(np.exp(-np.logaddexp(0, -z)))


def softmax(z: np.ndarray) -> np.ndarray:
    """Return e^z divided by its sum along the last axis."""
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _slope_of_sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(sigmoid(z) * sigmoid(-z))


FUNCTIONS: dict[str, tuple[Function, Function, str]] = {
    "linear": (lambda z: z, np.ones_like, "z"),
    "sigmoid": (sigmoid, _slope_of_sigmoid, "1/(1 + e^-z)"),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2, "tanh z"),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0), "max(0, z)"),
    "leaky_relu": (
        lambda z: np.maximum(z, LEAK * z),
        lambda z: np.where(z > 0, 1.0, LEAK),
        f"max(z, {LEAK} z)",
    ),
    "softplus": (lambda z: np.logaddexp(0, z), sigmoid, "ln(1 + e^z)"),
}
"""Each function with its derivative and its formula; at z = 0 the derivative is that from the left."""
