"""True and predicted masks laid over their images."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from dlkit.errors import InputError
from dlkit.figures.segmentation import overlay_figure
from dlkit.plots.examples import check_images, split_of

if TYPE_CHECKING:
    from dlkit.model.trained import TrainedModel

SHOWN = 4


def plot(run: "TrainedModel", *, example: int = 0, split: str | None = None) -> Mapping[str, Figure]:
    """True and predicted masks laid over images, beginning with an example."""
    if not run.built.task.moves_targets:
        raise InputError("the run predicts no masks", "choose a run with task: segmentation")
    name, data = split_of(run, split)
    check_images(data)
    if not 0 <= example < len(data):
        raise InputError(f"--example {example} is not in {name}", f"it has the examples 0 to {len(data) - 1}")
    images = np.asarray(data.inputs[example : example + SHOWN])
    truth = np.asarray(data.targets[example : example + SHOWN])
    found = [np.asarray(run.built.predict(image[None])["mask"])[0] for image in images]
    title = f"Masks over examples {example} to {example + len(images) - 1} of {name}"
    return {f"masks-{example}": overlay_figure(title, images, truth, found, run.built.class_names)}
