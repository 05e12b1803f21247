"""The table of a run's network with its arithmetic, its cost and its first filters."""

from typing import Any

import numpy as np

from dlkit.errors import DlkitError
from dlkit.formatting import byte_size, rounded
from dlkit.model.summary import summarise
from dlkit.model.trained import TrainedModel
from dlkit.plots.kinds.filters import filter_images, has_filters
from dlkit.recipe import LoadedRecipe
from dlkit.report.pictures import picture
from dlkit.report.rendering import shape_text
from dlkit.runs.directory import RunDirectory

MOST_FILTERS = 64


def table(run: RunDirectory, loaded: LoadedRecipe) -> dict[str, Any]:
    """Return the rows of the network's table, each with its arithmetic, and its totals and contract."""
    found = summarise(loaded, run, explain=True, cost=True)
    cost = found["cost"]
    rows = [
        {
            "layer": row["layer"],
            "name": row["name"],
            "shape": shape_text(row["output_shape"]),
            "parameters": f"{row['parameters']:,}",
            "lines": _arithmetic(row),
        }
        for row in found["layers"]
    ]
    return {
        "rows": rows,
        "parameters": {name: f"{count:,}" for name, count in found["parameters"].items()},
        "multiply_adds": "unknown" if cost["uncounted"] else rounded(cost["multiply_adds"], 3),
        "memory": "unknown" if cost["activation_bytes"] is None else byte_size(cost["activation_bytes"]),
        "contract": found["contract"],
    }


def _arithmetic(row: dict[str, Any]) -> list[str]:
    explained, cost = row["explanation"], row["cost"]
    lines = [f"output size: {text}" for text in explained["sizes"]]
    lines += [f"parameters: {explained['parameters']}"] if explained["parameters"] else []
    lines += [f"multiply-adds: {cost['multiply_adds']:,}"] if cost["multiply_adds"] else []
    return [*lines, *explained["notes"]]


def filters(trained: TrainedModel) -> dict[str, Any] | None:
    """Return pictures of the first layer's kernels; None where they are no pictures."""
    layer = next((layer for layer in trained.built.network.layers if has_filters(layer)), None)
    if layer is None:
        return None
    try:
        images = filter_images(trained, layer)
    except DlkitError:
        return None
    shown = [picture(_with_channels(np.asarray(image))) for image in images[:MOST_FILTERS]]
    kept = [one for one in shown if one is not None]
    return {"layer": layer.name, "pictures": kept, "all": len(images)} if kept else None


def _with_channels(image: np.ndarray) -> np.ndarray:
    return image[..., np.newaxis] if image.ndim == 2 else image
