"""Examples as points in the plane: their inputs, or what a layer makes of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from dlkit.analysis.projections import kernel, linear
from dlkit.errors import InputError
from dlkit.figures.embeddings import embeddings_figure
from dlkit.plots.examples import layer_named, outputs_of, split_of

if TYPE_CHECKING:
    from dlkit.model.trained import TrainedModel

MOST = 500


def plot(run: "TrainedModel", *, layer: str | None = None, split: str | None = None) -> Mapping[str, Figure]:
    """Examples by PCA, kernel PCA and t-SNE: of the inputs, or of the outputs of --layer."""
    name, data = split_of(run, split)
    values = np.asarray(data.inputs[:MOST])
    if layer is not None:
        chosen = layer_named(run.built.network.layers, layer, _has_output, "one output")
        (values,) = outputs_of(run, [chosen], values)
    if values.dtype.kind not in "uifb":
        raise InputError("texts and categories are no points", "give a layer, such as --layer dense")
    rows = values.reshape(len(values), -1).astype(float)
    classes = np.asarray(data.targets[:MOST]) if run.built.class_names else None
    what = "inputs" if layer is None else f"outputs of {layer}"
    title = f"{what.capitalize()} of {len(rows)} examples of {name}"
    figure = embeddings_figure(title, embedded(rows), classes, run.built.class_names)
    return {f"embeddings-{layer or 'inputs'}": figure}


def _has_output(layer: object) -> bool:
    return hasattr(getattr(layer, "output", None), "shape")


def embedded(rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return points (n, 2) of rows (n, values) by method."""
    from sklearn.manifold import TSNE

    spread = rows.std() or 1
    scaled = (rows - rows.mean(0)) / spread
    near = min(30.0, (len(rows) - 1) / 3)
    points, shares = linear(scaled, 2)
    return {
        f"PCA ({shares[0]:.0%} and {shares[1]:.0%} of variance)": points,
        "kernel PCA (rbf)": kernel(scaled, 2),
        f"t-SNE (perplexity {near:.3g})": TSNE(2, perplexity=near, init="pca", random_state=0).fit_transform(scaled),
    }
