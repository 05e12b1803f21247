"""Where a classifier looks: the gradient of its answer, and its answer when parts of the image are hidden."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from dlkit.errors import InputError
from dlkit.figures.saliency import saliency_figure
from dlkit.plots.examples import example_of

if TYPE_CHECKING:
    from dlkit.model.trained import TrainedModel


def plot(run: "TrainedModel", *, example: int = 0, split: str | None = None) -> Mapping[str, Figure]:
    """Occlusion and gradient saliency of the predicted class of one image."""
    if run.built.scores is None or not run.built.class_names:
        raise InputError("the run does not classify", "choose a run with task: classification")
    name, image = example_of(run, split, example)
    scores = probabilities(run, image[None])[0]
    best = int(scores.argmax())
    side = max(min(image.shape[:2]) // 6, 1)
    title = f"{run.built.class_names[best]} with p = {scores[best]:.4f}: example {example} of {name}"
    hidden = scores[best] - occluded(run, image, best, side)
    return {f"saliency-{example}": saliency_figure(title, image, gradient(run, image, best), hidden, side)}


def probabilities(run: "TrainedModel", images: np.ndarray) -> np.ndarray:
    """Return the class probabilities (n, classes) of raw images."""
    assert run.built.scores is not None
    return np.asarray(run.built.predict(images)[run.built.scores])


def occluded(run: "TrainedModel", image: np.ndarray, number: int, side: int) -> np.ndarray:
    """Return a class's probability with a square of the mean value hidden, for each of its places (rows, columns)."""
    height, width = image.shape[0] - side + 1, image.shape[1] - side + 1
    step = max(side // 2, 1)
    places = [(row, column) for row in range(0, height, step) for column in range(0, width, step)]
    hidden = np.repeat(image[None], len(places), 0)
    for copy, (row, column) in zip(hidden, places, strict=True):
        copy[row : row + side, column : column + side] = image.mean((0, 1)).astype(image.dtype)
    found = np.concatenate([probabilities(run, hidden[at : at + 128]) for at in range(0, len(hidden), 128)])
    return np.asarray(found[:, number].reshape(len(range(0, height, step)), -1))


def gradient(run: "TrainedModel", image: np.ndarray, number: int) -> np.ndarray:
    """Return |d ln p/dx| of a class's probability for each pixel (height, width), the largest of its channels."""
    import tensorflow as tf

    x = tf.convert_to_tensor(run.built.preprocess(image[None], training=False))
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = run.built.outputs(run.built.network(x, training=False))
        score = tf.math.log(outputs[str(run.built.scores)][0, number])
    slopes = np.abs(np.asarray(tape.gradient(score, x)))
    if slopes.size != image.size:
        raise InputError(
            "data.preprocess changes the number of values", "saliency needs one value per pixel and channel"
        )
    return np.asarray(slopes.reshape(image.shape).max(-1))
