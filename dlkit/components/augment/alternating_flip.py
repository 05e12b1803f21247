"""Horizontal flips in alternating epochs."""

from typing import Any

import tensorflow as tf

from dlkit.draws import uniform
from dlkit.interfaces.augment import takes


@takes(epoch=True)
def alternating_flip(images: Any, masks: Any, seeds: Any, epoch: Any) -> tuple[Any, Any]:
    """Flip one half of the images left to right in even epochs and the other half in odd epochs.

    Two successive epochs show every image once in each orientation, whereas random flips show half of the images twice
    the same way (Jordan, 2024, arXiv 2404.00498). images: (n, height, width, channels), any numeric type; seeds: int32
    (n, 2), one pair per image, the same in every epoch; epoch: an integer. masks: label images (n, height, width),
    flipped along, or None. Returns images and masks of the same shapes and types.
    """
    drawn = uniform(seeds, 1)[:, 0] < 0.5
    flipped = tf.math.logical_xor(drawn, tf.equal(epoch % 2, 1))
    images = tf.where(flipped[:, tf.newaxis, tf.newaxis, tf.newaxis], tf.reverse(images, [2]), images)
    if masks is not None:
        masks = tf.where(flipped[:, tf.newaxis, tf.newaxis], tf.reverse(masks, [2]), masks)
    return images, masks
