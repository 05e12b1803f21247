"""In which range the inputs reach the first layer with weights."""

from dataclasses import dataclass

import keras
import numpy as np

from dlkit.model.built import BuiltModel

SHAPES = ("InputLayer", "Flatten", "Reshape", "ZeroPadding2D", "Cropping2D", "Permute", "Dropout", "GaussianNoise")
SCALES = ("Rescaling", "Normalization")


@dataclass(frozen=True)
class Ranges:
    """The lowest and highest input, raw (None for text) and as the network gets it.

    size: the largest root of the mean square of a feature over the examples; spread: the largest standard deviation.
    """

    raw: tuple[float, float] | None
    seen: tuple[float, float]
    size: float
    spread: float


def ranges(built: BuiltModel, raw: np.ndarray, seen: np.ndarray) -> Ranges | None:
    """Return the ranges of examples (n, ...), None where the network normalizes its inputs itself."""
    values = seen
    layer = None
    for layer in built.network.layers:
        kind = type(layer).__name__
        if kind in SCALES:
            values = np.asarray(layer(values, training=False))
        elif kind not in SHAPES:
            break
    if layer is None or isinstance(layer, keras.layers.BatchNormalization | keras.layers.LayerNormalization):
        return None
    rows = values.reshape(len(values), -1).astype(np.float64)
    size, spread = np.sqrt((rows**2).mean(axis=0)).max(), rows.std(axis=0).max()
    span = (float(raw.min()), float(raw.max())) if raw.dtype.kind in "uifb" else None
    return Ranges(span, (float(rows.min()), float(rows.max())), float(size), float(spread))
