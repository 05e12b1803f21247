"""What training makes of one image in 25 epochs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from dlkit.errors import InputError
from dlkit.figures.images import displayed
from dlkit.figures.tiles import tiles_figure
from dlkit.plots.examples import check_images

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe

COUNT = 25


def plot(recipe: "LoadedRecipe", *, example: int = 0) -> Mapping[str, Figure]:
    """25 augmentations of one image, as training sees it in its first 25 epochs."""
    images = augmented(recipe, example)
    names = [f"epoch {epoch}" for epoch in range(len(images))]
    kinds = ", ".join(component.name for component in recipe.recipe.resolved_phases()[0].augment)
    title = f"Example {example} of train under {kinds}"
    return {f"augmentations-{example}": tiles_figure(title, [displayed(image) for image in images], names, 9)}


def augmented(loaded: "LoadedRecipe", example: int) -> list[np.ndarray]:
    """Return one image as the training draws it in each of its first epochs."""
    recipe = loaded.recipe
    augment = recipe.resolved_phases()[0].augment
    if not augment:
        raise InputError(f"recipe {recipe.name} does not augment", "add data.augment, or choose cifar_cnn")
    from dlkit.machine.tensorflow import start_tensorflow

    start_tensorflow()
    import tensorflow as tf

    from dlkit.catalog.create import create_at
    from dlkit.data.pipeline import InputPipeline
    from dlkit.data.source import build_dataset
    from dlkit.data.splits import load_splits

    train = load_splits(recipe.data, build_dataset(recipe), create_at(recipe.task).stratified).train
    check_images(train)
    if not 0 <= example < len(train):
        raise InputError(f"--example {example} is not in train", f"it has the examples 0 to {len(train) - 1}")
    pipeline = InputPipeline(recipe, lambda *batch: batch, moves_targets=False, augment=augment)
    indices = tf.constant([example - 1 if example else len(train) - 1, example], tf.int64)
    inputs = tf.constant(np.stack([np.asarray(train.inputs[int(i) : int(i) + 1])[0] for i in indices]))
    draws = (pipeline.augmented(inputs, None, tf.constant(epoch, tf.int64), indices) for epoch in range(COUNT))
    return [np.asarray(images)[1] for images, _, _ in draws]
