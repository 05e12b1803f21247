"""A box of the other image, its share of the area told exactly; everything else stays."""

import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.augment.cutmix import cutmix

COUNT = 800
IMAGES = np.random.default_rng(0).integers(0, 128, (COUNT, 12, 10, 3)).astype(np.uint8)
OTHERS = IMAGES + 128
SEEDS = tf.constant([[0, index] for index in range(COUNT)], tf.int32)


def boxes(images):
    """Where each image is the other one: bool (n, height, width), the same for all channels."""
    taken = images.numpy() >= 128
    np.testing.assert_array_equal(images, np.where(taken, OTHERS, IMAGES))
    np.testing.assert_array_equal(taken, np.repeat(taken[..., :1], 3, axis=-1))
    return taken[..., 0]


def test_what_is_mixed_is_a_box_and_its_share_is_its_area():
    images, shares = cutmix(IMAGES, OTHERS, SEEDS, probability=1)
    assert images.dtype == tf.uint8
    for box, share in zip(boxes(images), shares.numpy(), strict=True):
        rows, columns = np.flatnonzero(box.any(1)), np.flatnonzero(box.any(0))
        assert box.sum() == len(rows) * len(columns)  # no gaps: all of its rows and columns are in it
        if len(rows):
            assert (np.diff(rows) == 1).all()
            assert (np.diff(columns) == 1).all()
        assert share == np.float32(box.sum() / 120)


def test_sizes_and_places_are_those_of_the_paper():
    taken = boxes(cutmix(IMAGES, OTHERS, SEEDS, probability=1)[0])
    # A box has the image's proportions, up to a pixel of rounding, where nothing is cut off.
    edges = [taken[:, 0].any(1), taken[:, -1].any(1), taken[:, :, 0].any(1), taken[:, :, -1].any(1)]
    whole = taken[~np.any(edges, axis=0) & taken.any((1, 2))]
    assert len(whole) > 50
    for box in whole:
        assert abs(box.any(1).sum() * 10 / 12 - box.any(0).sum()) <= 2
    # A pixel in the middle is in the box where the centre is nearer than half a side along both axes: for a share u
    # with probability u, 1/2 in all. In a corner it is half as likely along each axis: 1/8.
    assert taken[:, 6, 5].mean() == pytest.approx(1 / 2, abs=0.08)
    assert taken[:, 0, 0].mean() == pytest.approx(1 / 8, abs=0.05)


def test_the_probability_is_that_of_a_box():
    _, always = cutmix(IMAGES, OTHERS, SEEDS, probability=1)
    _, sometimes = cutmix(IMAGES, OTHERS, SEEDS, probability=0.25)
    mixed = sometimes.numpy() > 0
    assert 0.18 < mixed.mean() < 0.32
    np.testing.assert_array_equal(sometimes.numpy()[mixed], always.numpy()[mixed])


def test_draws_depend_on_the_seed_of_each_image_alone():
    whole, part = (cutmix(IMAGES[start:], OTHERS[start:], SEEDS[start:])[0] for start in (0, 50))
    np.testing.assert_array_equal(whole[50:], part)
