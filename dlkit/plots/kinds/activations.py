"""The decks' activation functions with their derivatives."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from dlkit.figures.activations import functions_figure
from dlkit.worked.activations import FUNCTIONS


def plot() -> Mapping[str, Figure]:
    """The decks' activation functions with their derivatives."""
    z = np.linspace(-4, 4, 401)
    panels = {
        f"{name}: {formula}": [(z, function(z), "f"), (z, slope(z), "derivative")]
        for name, (function, slope, formula) in FUNCTIONS.items()
    }
    return {"activations": functions_figure("Activation functions and their derivatives", panels)}
