"""Change all pixels of an image a little, along the gradient of the loss: FGSM and PGD, which see inside the network.

FGSM: Goodfellow, Shlens and Szegedy (2014), arXiv 1412.6572. PGD: Madry and others (2017), arXiv 1706.06083.
"""

import keras
import numpy as np
import tensorflow as tf

from dlkit.experiments.cross_entropy import cross_entropies
from dlkit.model.built import BuiltModel

STEP_SHARE = 2.5
"""A step of PGD is this share of epsilon, divided by the number of steps."""


def attack(
    built: BuiltModel, images: np.ndarray, classes: np.ndarray, targeted: bool, epsilon: float, steps: int, seed: int
) -> np.ndarray:
    """Return images (n, height, width, channels), uint8, whose pixels differ by at most epsilon levels of 255.

    classes (n,): the true ones, or with `targeted` those to reach. steps: 1 for FGSM; more for PGD, which begins at a
    random point and takes smaller steps.
    """
    gradient = _gradient(built, tf.constant(classes), -1.0 if targeted else 1.0)
    low, high = np.maximum(images - np.float32(epsilon), 0), np.minimum(images + np.float32(epsilon), 255)
    current = images.astype(np.float32)
    step = epsilon
    if steps > 1:
        step = STEP_SHARE * epsilon / steps
        draws = np.random.default_rng(seed)
        current = np.clip(current + draws.uniform(-epsilon, epsilon, images.shape).astype(np.float32), low, high)
    for _ in range(steps):
        current = np.clip(current + step * np.sign(gradient(tf.constant(current)).numpy()), low, high)
    inside: np.ndarray = np.clip(np.rint(current), np.ceil(low), np.floor(high)).astype(np.uint8)
    return inside


def _gradient(built: BuiltModel, classes: tf.Tensor, sign: float) -> tf.types.experimental.PolymorphicFunction:
    """Return a function: float pixels (n, ...) -> the gradient of the sum of -ln p(class), times a sign."""
    preprocess = _on_floats(built.preprocess)

    @tf.function(autograph=False)
    def gradient(pixels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            output = built.network(preprocess(pixels, training=False), training=False)
            loss = sign * tf.reduce_sum(cross_entropies(built, output, classes))
        return tape.gradient(loss, pixels)

    return gradient


def _on_floats(preprocess: keras.Model) -> keras.Model:
    """Return the same preprocessing for float pixels, which have gradients; a model casts its inputs to its dtype."""
    inputs = keras.Input(preprocess.input.shape[1:], dtype="float32")
    outputs = inputs
    for layer in preprocess.layers[1:]:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)
