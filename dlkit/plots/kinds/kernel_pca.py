"""Two circles that PCA cannot separate and kernel PCA can."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from dlkit.analysis.projections import kernel, linear
from dlkit.components.datasets.circles import Circles
from dlkit.figures.embeddings import embeddings_figure

GAMMA = 10


def plot() -> Mapping[str, Figure]:
    """Deck 002's circles: as they are, by PCA, and by kernel PCA."""
    train = Circles().load("train", None)
    title = f"Two circles: no line separates them, nor their PCA; kernel PCA (rbf, gamma {GAMMA}) does"
    return {"kernel-pca": embeddings_figure(title, projected(train.inputs), train.targets, ("inner", "outer"))}


def projected(points: np.ndarray) -> dict[str, np.ndarray]:
    """Return the points as they are and by both methods."""
    return {"points": points, "PCA": linear(points, 2)[0], "kernel PCA": kernel(points, 2, GAMMA)}
