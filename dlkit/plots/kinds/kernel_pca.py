"""Two circles that PCA cannot separate and kernel PCA can."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.embeddings import embeddings_figure

GAMMA = 10


def plot() -> Mapping[str, Figure]:
    """Deck 002's circles: as they are, by PCA, and by kernel PCA."""
    points, classes = circles()
    title = f"Two circles: no line separates them, nor their PCA; kernel PCA (rbf, gamma {GAMMA}) does"
    return {"kernel-pca": embeddings_figure(title, projected(points), classes, ("inner", "outer"))}


def circles() -> tuple[np.ndarray, np.ndarray]:
    """Return 400 points (n, 2) on two circles with noise, and their circle (n,)."""
    draw = np.random.default_rng(0)
    angles, classes = draw.uniform(0, 2 * np.pi, 400), np.repeat((0, 1), 200)
    radius = np.where(classes, 1, 0.3) + draw.normal(0, 0.05, 400)
    return np.c_[radius * np.cos(angles), radius * np.sin(angles)], classes


def projected(points: np.ndarray) -> dict[str, np.ndarray]:
    """Return the points as they are and by both methods."""
    from sklearn.decomposition import PCA, KernelPCA

    kernel = KernelPCA(2, kernel="rbf", gamma=GAMMA, random_state=0)
    return {"points": points, "PCA": PCA(2).fit_transform(points), "kernel PCA": kernel.fit_transform(points)}
