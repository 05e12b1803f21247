"""Principal component analysis of a recipe's inputs or of an autoencoder's codes, linear and with a kernel."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from dlkit.analysis.projections import default_gamma, kernel, linear, separable
from dlkit.errors import InputError
from dlkit.files.atomic import write_file
from dlkit.interfaces.data import Split
from dlkit.runs.directory import RunDirectory

RESULTS, POINTS = "pca.json", "pca.npz"
SHARES = (0.5, 0.9, 0.95, 0.99)
PLANE = 2


@dataclass(frozen=True)
class Rows:
    """Examples as rows of numbers (n, values), their classes (n,) if they have any, and what the numbers are."""

    values: np.ndarray
    classes: np.ndarray | None
    class_names: tuple[str, ...]
    what: str


def rows_of(split: Split, values: Any, class_names: tuple[str, ...], what: str) -> Rows:
    """Return the examples of a split as rows; raise InputError unless they are numbers."""
    values = np.asarray(values)
    if values.dtype.kind not in "uifb":
        texts = "texts" if values.ndim == 1 else "rows with texts or categories"
        kind = texts if values.dtype.kind in "SUO" else str(values.dtype)
        raise InputError(f"the examples are {kind}, and PCA needs numbers", "choose a recipe on numbers")
    flat = values.reshape(len(values), -1).astype(np.float64)
    if flat.shape[1] < PLANE or len(flat) < PLANE:
        raise InputError(f"PCA needs 2 values and 2 examples, but there are {flat.shape[1]} and {len(flat)}")
    if not flat.std(axis=0).any():
        raise InputError(f"all {len(flat)} examples are the same, so they have no components", "choose other data")
    targets = np.asarray(split.targets)
    classes = targets if class_names and targets.ndim == 1 and len(np.unique(targets)) > 1 else None
    return Rows(flat, classes, class_names, what)


def analyse(rows: Rows, components: int, gamma: float | None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the documented JSON form, and the points by method (n, 2)."""
    count = min(components, *rows.values.shape)
    points, shares = linear(rows.values, count)
    by_kernel = kernel(rows.values, PLANE, gamma)
    planes = {"linear": points[:, :PLANE], "kernel": by_kernel}
    lines = {name: None if rows.classes is None else separable(own, rows.classes) for name, own in planes.items()}
    total = np.cumsum(shares)
    needed = {f"{share:g}": int(np.argmax(total >= share)) + 1 for share in SHARES if total[-1] >= share}
    content = {"of": rows.what, "examples": len(rows.values), "values": rows.values.shape[1]}
    content |= {"explained_variance_ratio": shares.tolist(), "components_for": needed}
    return content | {"gamma": gamma or default_gamma(rows.values), "separable": lines}, planes


def write_analysis(folder: RunDirectory, content: Mapping[str, Any], planes: Mapping[str, np.ndarray]) -> None:
    """Write the results and the points into a folder."""
    folder.write_json(RESULTS, content)
    write_file(folder.path / POINTS, partial(_save, planes))


def _save(planes: Mapping[str, np.ndarray], path: Any) -> None:
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **planes)
