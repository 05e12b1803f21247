"""Deck 000's neuron: its decision line as an animation."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.neuron import decision_figure
from dlkit.plots.kinds.neuron import trained
from dlkit.worked.fixtures import SAMPLES, START

FRAMES = 24


def plot() -> Mapping[str, list[Figure]]:
    """Deck 000's neuron: its decision line epoch by epoch, as a GIF."""
    samples = np.array(SAMPLES, float)
    path = np.vstack([START, trained(samples)[:, -3:]])
    epochs = np.unique(np.geomspace(1, len(path), FRAMES).round().astype(int)) - 1
    frames = [decision_figure(samples, [(f"after {epoch} updates", path[epoch])]) for epoch in epochs]
    return {"neuron-animation": frames}
