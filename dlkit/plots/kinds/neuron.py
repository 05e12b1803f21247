"""Deck 000's neuron: its decision line epoch by epoch, its loss, and the surface that it descends."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.neuron import decision_figure, loss_figure, surface_figure
from dlkit.worked.activations import sigmoid
from dlkit.worked.examples.neuron import descent
from dlkit.worked.fixtures import SAMPLES, START

EPOCHS = (0, 1, 7, 50, 200, 687)


def plot() -> Mapping[str, Figure]:
    """Deck 000's neuron: decision line by epoch, loss curve, and loss surface with the path of descent."""
    samples = np.array(SAMPLES, float)
    history = trained(samples)
    path = np.vstack([START, history[:, -3:]])
    panels = [("start", path[0])] + [(f"after epoch {epoch}", path[epoch + 1]) for epoch in EPOCHS[1:]]
    return {
        "neuron-decision": decision_figure(samples, panels),
        "neuron-loss": loss_figure(history[:, 1]),
        "neuron-surface": surface_figure(lambda weights: loss_of(samples, weights), path),
    }


def trained(samples: np.ndarray) -> np.ndarray:
    """Return epoch, loss, gradient and weights of every epoch, as the deck trains."""
    inputs = np.c_[np.ones(len(samples)), samples[:, :2]]
    return descent(inputs, samples[:, 2], np.array(START), 0.1, 0.01, 1000)


def loss_of(samples: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the deck's loss for weights (..., 3)."""
    z = weights[..., :1] + weights[..., 1:] @ samples[:, :2].T
    return np.asarray(((sigmoid(z) - samples[:, 2]) ** 2).sum(-1) / 2)
