"""Every image is mirrored in every other epoch, half of them in the first."""

import numpy as np
import tensorflow as tf

from dlkit.components.augment.alternating_flip import alternating_flip
from dlkit.draws import example_seeds

IMAGES = np.random.default_rng(0).integers(0, 256, (400, 4, 5, 3)).astype(np.uint8)
MASKS = IMAGES[..., 0]
SEEDS = example_seeds(7, 0, -1, tf.range(400))


def test_two_epochs_show_each_image_once_each_way():
    shown = []
    for epoch in range(4):
        images, masks = alternating_flip(IMAGES, MASKS, SEEDS, tf.constant(epoch, tf.int64))
        assert images.dtype == tf.uint8
        mirrored = np.array(
            [np.array_equal(new, old[:, ::-1]) for new, old in zip(images.numpy(), IMAGES, strict=True)]
        )
        np.testing.assert_array_equal(images.numpy()[~mirrored], IMAGES[~mirrored])
        np.testing.assert_array_equal(masks.numpy(), images.numpy()[..., 0])
        shown.append(mirrored)
    np.testing.assert_array_equal(shown[0], ~shown[1])
    np.testing.assert_array_equal(shown[0], shown[2])
    np.testing.assert_array_equal(shown[1], shown[3])
    assert 160 < shown[0].sum() < 240


def test_masks_are_not_needed():
    images, masks = alternating_flip(IMAGES, None, SEEDS, tf.constant(0, tf.int64))
    assert masks is None
    assert images.shape == IMAGES.shape
