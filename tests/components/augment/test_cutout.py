"""One square of every image is hidden, at every place, and nothing else changes."""

import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.augment.cutout import cutout
from dlkit.errors import InputError

IMAGES = np.random.default_rng(0).integers(1, 256, (500, 6, 5, 3)).astype(np.uint8)
SEEDS = tf.constant([[0, index] for index in range(500)], tf.int32)


def expected(image, size, row, column):
    """The image with the square around one pixel, written out."""
    first, left = row - size // 2, column - size // 2
    image = image.copy()
    image[max(first, 0) : max(first + size, 0), max(left, 0) : max(left + size, 0)] = 0
    return image


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_pixel_is_the_centre_of_some_square(size):
    images, masks = cutout(IMAGES, None, SEEDS, size=size)
    assert masks is None
    assert images.dtype == tf.uint8
    centres = [
        [
            (row, column)
            for row in range(6)
            for column in range(5)
            if np.array_equal(expected(image, size, row, column), hidden)
        ]
        for image, hidden in zip(IMAGES, images.numpy(), strict=True)
    ]
    assert all(len(options) == 1 for options in centres)
    assert len({options[0] for options in centres}) == 30


def test_a_square_larger_than_the_image_hides_all_of_it():
    images, _ = cutout(IMAGES, None, SEEDS, size=13, fill_value=7)
    assert np.unique(images) == [7]


def test_the_fill_value_must_be_a_value_of_the_images():
    for value in (256, -1, 0.5):
        with pytest.raises(InputError, match=f"fill_value is {value:g}, but the images are uint8") as caught:
            cutout(IMAGES, None, SEEDS, size=2, fill_value=value)
        assert caught.value.problems[0].hint == "use a whole number from 0 to 255"
    grey, _ = cutout(IMAGES / np.float32(255), None, SEEDS, size=13, fill_value=0.5)
    assert np.unique(grey) == [0.5]


def test_masks_stay_whole():
    given = IMAGES[..., 0] % 7
    _, masks = cutout(IMAGES, given, SEEDS, size=3)
    np.testing.assert_array_equal(masks, given)


def test_draws_depend_on_the_seed_of_each_image_alone():
    whole, _ = cutout(IMAGES, None, SEEDS, size=3)
    part, _ = cutout(IMAGES[50:], None, SEEDS[50:], size=3)
    np.testing.assert_array_equal(whole[50:], part)


def test_numbers_of_any_type_take_the_fill_value():
    images, _ = cutout(IMAGES.astype(np.float32), None, SEEDS, size=2, fill_value=-0.5)
    assert images.dtype == tf.float32
    assert float(tf.reduce_min(images)) == -0.5
