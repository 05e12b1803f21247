"""Shifts by whole pixels: every result is a crop of the padded image, and masks move with their images."""

import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.augment.random_crop import random_crop
from dlkit.interfaces.data import VOID

IMAGES = np.random.default_rng(0).integers(0, 256, (200, 6, 5, 3)).astype(np.uint8)
SEEDS = tf.constant([[0, index] for index in range(200)], tf.int32)
MODES = {"constant": "constant", "nearest": "edge", "reflect": "reflect"}


def places(fill_mode, images, cropped, padding):
    """Where in the padded image each crop is found."""
    border = [(0, 0), (padding, padding), (padding, padding), (0, 0)]
    padded = np.pad(images, border, mode=MODES[fill_mode])
    height, width = images.shape[1:3]
    return [
        [
            (row, column)
            for row in range(2 * padding + 1)
            for column in range(2 * padding + 1)
            if np.array_equal(whole[row : row + height, column : column + width], crop)
        ]
        for whole, crop in zip(padded, cropped, strict=True)
    ]


@pytest.mark.parametrize("fill_mode", MODES)
def test_results_are_crops_of_the_padded_images_from_everywhere(fill_mode):
    cropped, masks = random_crop(IMAGES, None, SEEDS, padding=2, fill_mode=fill_mode)
    assert masks is None
    assert cropped.dtype == tf.uint8
    found = places(fill_mode, IMAGES, cropped.numpy(), 2)
    assert all(len(options) == 1 for options in found)
    assert len({options[0] for options in found}) == 25  # every one of the 5 x 5 places, among 200


def test_a_border_wider_than_the_image_repeats_its_edge():
    cropped, _ = random_crop(IMAGES, None, SEEDS, padding=9, fill_mode="reflect")
    assert cropped.shape == IMAGES.shape


@pytest.mark.parametrize("fill_mode", MODES)
def test_masks_travel_with_their_images(fill_mode):
    masks = IMAGES[..., 0] % 7
    images, moved = random_crop(IMAGES, masks, SEEDS, padding=3, fill_mode=fill_mode)
    moved = moved.numpy()
    known = moved != VOID
    np.testing.assert_array_equal(images.numpy()[..., 0][known] % 7, moved[known])
    assert (~known).any() == (fill_mode == "constant")


def test_draws_depend_on_the_seed_of_each_image_alone():
    whole, _ = random_crop(IMAGES, None, SEEDS)
    part, _ = random_crop(IMAGES[50:], None, SEEDS[50:])
    np.testing.assert_array_equal(whole[50:], part)
