"""Evaluation of reconstructions: sums over the batches of a split, then a table and figures."""

from collections.abc import Callable
from functools import partial
from statistics import NormalDist
from typing import Any

import numpy as np

from dlkit.figures.latent import grid_figure, latent_figure
from dlkit.figures.reconstructions import as_images, reconstructions_figure
from dlkit.interfaces.task import Examined

SHOWN = 10
MOST_CODES, CODE_BYTES = 5000, 1 << 28
MOST_VALUES_FOR_PCA = 4096


class Reconstruction:
    """Errors of the network and of simple baselines, averaged over the values that the loss counts.

    mean: the mean example of the split as every reconstruction. pca: the split's own principal components, as many as
    the code has dimensions; no linear code does better. (Its row is left out where it would always be perfect: the code
    is as wide as the input, or as there are examples.) identity: the corrupted inputs themselves, if inputs are
    corrupted. A network without a layer called `encoder` has no code, and so no pca row and no figure of codes.
    """

    def __init__(self, peak: float) -> None:
        self.peak = peak
        self.first: Examined | None = None
        self.codes: list[np.ndarray] = []
        self.labels: list[np.ndarray] = []
        self.count, self.weight = 0, 0.0
        self.errors: dict[str, np.ndarray] = {}
        self.example_errors: list[np.ndarray] = []
        self.sums: Any = None
        self.products: np.ndarray | None = None

    def add(self, batch: Examined) -> None:
        """Add a batch to the sums."""
        truth = _rows(batch.expected)
        weights = _weights(batch, truth)
        if self.first is None:
            self.first = batch
            self.sums = np.zeros((4, truth.shape[1]))
            if truth.shape[1] <= MOST_VALUES_FOR_PCA:
                self.products = np.zeros((truth.shape[1], truth.shape[1]))
        difference = _rows(batch.outputs["reconstruction"]) - truth
        self._add_error("autoencoder", difference, weights)
        self.example_errors.append((weights * difference**2).sum(1) / np.maximum(weights.sum(1), 1e-12))
        if not np.array_equal(batch.seen, batch.expected):
            self._add_error("identity", _rows(batch.seen) - truth, weights)
        self.sums += [truth.sum(0), weights.sum(0), (weights * truth).sum(0), (weights * truth**2).sum(0)]
        self.count, self.weight = self.count + len(truth), self.weight + weights.sum()
        if self.products is not None:
            self.products += truth.T @ truth
        if has_code(batch.network):
            self._add_codes(code_of(batch.network, batch.seen), batch.targets)

    def _add_codes(self, codes: np.ndarray, targets: np.ndarray) -> None:
        """Keep codes, as many as MOST_CODES and CODE_BYTES allow but at least one."""
        rows = codes.reshape(len(codes), -1).astype(np.float32)
        room = max(1, min(MOST_CODES, CODE_BYTES // max(1, rows[0].nbytes))) - sum(map(len, self.codes))
        if room > 0:
            self.codes.append(rows[:room])
            self.labels.append(targets[:room])

    def _add_error(self, method: str, difference: np.ndarray, weights: np.ndarray) -> None:
        parts = [(weights * np.abs(difference)).sum(), (weights * difference**2).sum()]
        self.errors[method] = self.errors.get(method, np.zeros(2)) + parts

    def table(self) -> list[dict[str, Any]]:
        """Return one row per method, the network first: mae (or None), mse, and psnr in dB."""
        rows = [self._row(method, squares, absolute) for method, (absolute, squares) in self.errors.items()]
        rows.append(self._row("mean", self._mean_squares()))
        if self.products is not None and self._pca_has_errors() and self._counts_all():
            rows.append(self._row("pca", self._pca_squares()))
        return rows

    def _row(self, method: str, squares: float, absolute: float | None = None) -> dict[str, Any]:
        mse = float(squares / self.weight)
        psnr = float(10 * np.log10(self.peak**2 / max(mse, 1e-12 * self.peak**2)))
        return {"method": method, "mae": None if absolute is None else float(absolute / self.weight)} | {
            "mse": mse,
            "psnr": psnr,
        }

    def _pca_has_errors(self) -> bool:
        """Return whether there is a code, narrower than what principal components could represent exactly."""
        return bool(self.codes) and self.codes[0].shape[1] < min(self.sums.shape[1], self.count - 1)

    def _counts_all(self) -> bool:
        return self.first is not None and self.first.weights is None

    def _mean_squares(self) -> float:
        """Return sum w (x - m)^2 from the sums of w, w x and w x^2, where m is the mean example."""
        total, weights, weighted, squares = self.sums
        mean = total / self.count
        return float((squares - 2 * mean * weighted + mean**2 * weights).sum())

    def _pca_squares(self) -> float:
        """Return the scatter not explained by the largest eigenvalues, one for each dimension of the code."""
        mean = self.sums[0] / self.count
        scatter = self.products - self.count * np.outer(mean, mean)
        eigenvalues = np.linalg.eigvalsh(scatter)
        return float(np.clip(eigenvalues[: len(eigenvalues) - self.codes[0].shape[1]], 0, None).sum())

    def figures(self, class_names: tuple[str, ...]) -> dict[str, Callable[[], Any]]:
        """Return what draws originals and reconstructions, codes by class, and samples of a variational decoder."""
        figures: dict[str, Callable[[], Any]] = {}
        if self.first is None:
            return figures
        shape = _image_shape(self.first)
        if shape is not None:
            figures["reconstructions"] = partial(_pictures, self.first, shape)
        if not self.codes:
            return figures
        codes, labels = np.concatenate(self.codes), np.concatenate(self.labels)
        if codes.shape[1] > 1:
            figures["latent"] = partial(latent_figure, codes, labels, class_names)
        network = self.first.network
        if shape is not None and isinstance(network.output, dict) and "kl" in network.output:
            decode = partial(_decoded_images, network.get_layer("decoder"), shape)
            figures["samples"] = partial(_grid, decode, normal_draws(64, codes.shape[1]), "Decoded draws from N(0, 1)")
            if codes.shape[1] == 2:
                figures["manifold"] = partial(_grid, decode, normal_grid(20), "Decoded codes at quantiles of N(0, 1)")
        return figures


def _pictures(batch: Examined, shape: tuple[int, ...]) -> Any:
    rows = {"original": batch.expected, "noisy input": batch.seen, "reconstruction": batch.outputs["reconstruction"]}
    if np.array_equal(batch.seen, batch.expected):
        del rows["noisy input"]
    return reconstructions_figure({name: as_images(values[:SHOWN], shape) for name, values in rows.items()})


def _grid(decode: Callable[[np.ndarray], np.ndarray], codes: np.ndarray, title: str) -> Any:
    return grid_figure(decode(codes), title)


def _decoded_images(decoder: Any, shape: tuple[int, ...], codes: np.ndarray) -> np.ndarray:
    return as_images(np.asarray(decoder(codes, training=False)), shape)


def has_code(network: Any) -> bool:
    """Return whether a network has an encoder; networks other than model `autoencoder` may have none."""
    return any(layer.name == "encoder" for layer in network.layers)


def code_of(network: Any, seen: Any) -> Any:
    """Return the code of preprocessed inputs, or its mean if the code is a distribution."""
    code = network.get_layer("encoder")(seen, training=False)
    return np.asarray(code[0] if isinstance(code, list | tuple) else code)


def normal_grid(side: int) -> np.ndarray:
    """Return a square grid of points at equally spaced quantiles of N(0, 1), float32 (side^2, 2)."""
    points = np.asarray([NormalDist().inv_cdf((index + 0.5) / side) for index in range(side)])
    return np.stack(np.meshgrid(points, points[::-1]), axis=-1).reshape(-1, 2).astype("float32")


def normal_draws(count: int, latent: int) -> np.ndarray:
    """Return draws from N(0, 1), the same every time, float32 (count, latent)."""
    return np.random.default_rng(0).standard_normal((count, latent)).astype("float32")


def _rows(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float64).reshape(len(values), -1)


def _weights(batch: Examined, truth: np.ndarray) -> np.ndarray:
    """Return the weight of each value, (n, values)."""
    if batch.weights is None:
        return np.ones_like(truth)
    weights = batch.weights.reshape(*batch.weights.shape, *[1] * (batch.expected.ndim - batch.weights.ndim))
    return _rows(np.broadcast_to(weights, batch.expected.shape))


def _image_shape(batch: Examined) -> tuple[int, ...] | None:
    """Return the image shape of the values, which may be flattened; None if they are not images."""
    for shape in (batch.expected.shape[1:], batch.inputs.shape[1:]):
        if len(shape) == 3 and shape[-1] in (1, 3) and np.prod(shape) == batch.expected[0].size:
            return tuple(shape)
    return None
