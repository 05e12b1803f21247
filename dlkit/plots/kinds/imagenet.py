"""ImageNet's winners by year, with the decks' figures and the papers'."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from dlkit.figures.imagenet import imagenet_figure
from dlkit.worked.fixtures import IMAGENET


def plot() -> Mapping[str, Figure]:
    """ImageNet's winners by year: the top-5 error in the decks, and that of a single network."""
    return {"imagenet": imagenet_figure(IMAGENET)}
