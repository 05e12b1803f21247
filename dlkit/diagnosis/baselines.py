"""What is reached without a network: the most common class, the mean, and a linear model (ridge regression)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_FEATURES = 2048
ALPHAS = (1.0, 10.0, 100.0, 1000.0)


@dataclass(frozen=True)
class Linear:
    """A fitted linear model; `chosen` are the inputs that it uses, evenly spaced among all."""

    model: Any
    chosen: np.ndarray
    mean: np.ndarray
    spread: np.ndarray

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return class indices (n,) or values (n, outputs) for network inputs (n, ...)."""
        return np.asarray(self.model.predict(_rows(inputs, self.chosen, self.mean, self.spread)))


def fit_linear(inputs: np.ndarray, targets: np.ndarray, classes: bool) -> Linear:
    """Fit a linear model to network inputs (n, ...) and class indices (n,) or values (n, ...).

    The penalty is chosen by leave-one-out validation among ALPHAS.
    """
    from sklearn.linear_model import RidgeClassifierCV, RidgeCV

    flat = inputs.reshape(len(inputs), -1)
    count = min(flat.shape[1], MOST_FEATURES)
    chosen = np.linspace(0, flat.shape[1] - 1, count).astype(int)
    picked = flat[:, chosen].astype(np.float64)
    mean, spread = picked.mean(axis=0), np.maximum(picked.std(axis=0), 1e-12)
    model = (RidgeClassifierCV if classes else RidgeCV)(alphas=ALPHAS)
    model.fit(_rows(inputs, chosen, mean, spread), targets if classes else targets.reshape(len(targets), -1))
    return Linear(model, chosen, mean, spread)


def _rows(inputs: np.ndarray, chosen: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    picked = inputs.reshape(len(inputs), -1)[:, chosen].astype(np.float64)
    return np.asarray((picked - mean) / spread)
