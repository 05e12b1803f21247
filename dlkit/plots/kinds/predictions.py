"""Predictions of a classifier on images, right and wrong, with their probabilities."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from dlkit.errors import InputError
from dlkit.figures.predictions import SHOWN, predictions_figure
from dlkit.plots.examples import check_images, split_of
from dlkit.plots.kinds.saliency import probabilities

if TYPE_CHECKING:
    from dlkit.model.trained import TrainedModel


def plot(run: "TrainedModel", *, example: int = 0, split: str | None = None) -> Mapping[str, Figure]:
    """A grid of images with their probabilities as bars, beginning with an example; right and wrong ones marked."""
    name, data = split_of(run, split)
    check_images(data)
    if run.built.scores is None or not run.built.class_names:
        raise InputError("the run does not classify", "choose a run with task: classification")
    if not 0 <= example < len(data):
        raise InputError(f"--example {example} is not in {name}", f"it has the examples 0 to {len(data) - 1}")
    images = np.asarray(data.inputs[example : example + SHOWN])
    truth = np.asarray(data.targets[example : example + SHOWN]).ravel().astype(int)
    title = f"Predictions for examples {example} to {example + len(images) - 1} of {name}"
    return {
        f"predictions-{example}": predictions_figure(
            title, images, truth, probabilities(run, images), run.built.class_names
        )
    }
