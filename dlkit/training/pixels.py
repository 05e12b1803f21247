"""Whether pictures reach a pretrained backbone as the ones did that its weights were trained with."""

from typing import TYPE_CHECKING

import numpy as np

from dlkit.components.layers.application_preprocessing import ApplicationPreprocessing
from dlkit.errors import Problem
from dlkit.interfaces.exporter import takes_images
from dlkit.model.built import BuiltModel

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe

CLOSE = 0.02
"""The allowed difference between pixels, as a share of their range."""
SIMILAR = 3
"""By how much the range may differ for a backbone that starts from random weights."""


def backbone_warning(built: BuiltModel, loaded: "LoadedRecipe") -> Problem | None:
    """Return a warning where preprocessing is missing, doubled or another network's; None for inputs but images."""
    model = loaded.recipe.model
    backbone, weights = model.settings.get("backbone"), model.settings.get("weights")
    if model.name != "pretrained" or backbone is None or not takes_images(built.raw_spec):
        return None
    sides = [size or 32 for size in built.preprocess.input.shape[1:3]]
    pixels = np.random.default_rng(0).integers(0, 256, (2, *sides, 3)).astype(built.preprocess.input.dtype)
    seen = np.asarray(built.preprocess(pixels, training=False), np.float64)
    right = np.asarray(ApplicationPreprocessing(backbone=backbone, dtype="float32")(pixels), np.float64)
    same = np.abs(seen - right).max() <= CLOSE * np.ptp(right)
    similar = weights is None and 1 / SIMILAR <= np.ptp(seen) / np.ptp(right) <= SIMILAR
    if same or similar:
        return None
    return Problem(
        f"{backbone} is made for pixels {_span(right)}, but data.preprocess gives them {_span(seen)}",
        f"set data.preprocess to [{{ApplicationPreprocessing: {{backbone: {backbone}}}}}] alone",
        "",
        loaded.locate("data.preprocess"),
    )


def _span(values: np.ndarray) -> str:
    """Return the range of values; BGR and RGB of the same range have different means."""
    means = ", ".join(f"{mean:.3g}" for mean in values.reshape(-1, values.shape[-1]).mean(axis=0))
    return f"from {values.min():.3g} to {values.max():.3g} (channel means {means})"
