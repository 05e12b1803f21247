"""Project rows of numbers onto few coordinates: PCA and kernel PCA (scikit-learn)."""

import numpy as np


def linear(rows: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points (n, components) of rows (n, values) by PCA, and the share of the variance of each component."""
    from sklearn.decomposition import PCA

    found = PCA(components, random_state=0).fit(rows)
    return found.transform(rows), found.explained_variance_ratio_


def kernel(rows: np.ndarray, components: int, gamma: float | None = None) -> np.ndarray:
    """Return points (n, components) of rows (n, values) by kernel PCA with exp(-gamma |a - b|^2).

    gamma: None for 1 / (values * variance of all values), so that the scale of the rows does not matter.
    """
    from sklearn.decomposition import KernelPCA

    points: np.ndarray = KernelPCA(
        components, kernel="rbf", gamma=gamma or default_gamma(rows), random_state=0
    ).fit_transform(rows)
    return points


def default_gamma(rows: np.ndarray) -> float:
    """Return 1 / (values * variance of all values) of rows (n, values)."""
    return float(1 / (rows.shape[1] * (rows.var() or 1)))


def separable(points: np.ndarray, classes: np.ndarray) -> float:
    """Return the share of points (n, d) that lines separate by class (n,): the accuracy of a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    scaled = (points - points.mean(0)) / np.where(points.std(0) > 0, points.std(0), 1)
    return float(LogisticRegression(C=100, max_iter=1000).fit(scaled, classes).score(scaled, classes))
