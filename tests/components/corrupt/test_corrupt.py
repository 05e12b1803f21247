"""Corruptions: how much, of what range, and that an example's draws depend on its seeds alone."""

import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.corrupt.gaussian_noise import gaussian_noise
from dlkit.components.corrupt.masking_noise import masking_noise
from dlkit.components.corrupt.random_patches import random_patches
from dlkit.components.corrupt.salt_and_pepper import salt_and_pepper
from dlkit.errors import InputError

SEEDS = tf.constant([[1, 2], [1, 3], [4, 5]])


def grey(value=128, shape=(3, 64, 64, 1)):
    return tf.fill(shape, tf.constant(value, tf.uint8))


@pytest.mark.parametrize(
    ("component", "settings"),
    [(gaussian_noise, {}), (salt_and_pepper, {}), (masking_noise, {}), (random_patches, {})],
)
def test_shape_and_type_stay_and_draws_depend_on_the_seeds_alone(component, settings):
    images = grey()
    one, _ = component(images, SEEDS, **settings)
    again, _ = component(images[1:2], SEEDS[1:2], **settings)
    assert (one.dtype, one.shape) == (images.dtype, images.shape)
    np.testing.assert_array_equal(one[1:2], again)
    assert not np.array_equal(one[0], one[1])


def test_gaussian_noise_has_its_share_of_the_range():
    noisy, hidden = gaussian_noise(grey(), SEEDS, stddev=0.1)
    difference = np.asarray(noisy, float) - 128
    assert hidden is None
    assert abs(difference.mean()) < 0.7
    assert abs(difference.std() - 25.5) < 0.5


def test_gaussian_noise_is_clipped_to_the_range_of_pixels_and_of_floats():
    pixels, _ = gaussian_noise(grey(250), SEEDS, stddev=1.0)
    assert (pixels.numpy().min(), pixels.numpy().max()) == (0, 255)
    floats, _ = gaussian_noise(tf.fill((3, 500), 0.9), SEEDS, stddev=0.5)
    assert (floats.numpy().min(), floats.numpy().max()) == (0.0, 1.0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int32", "int64", "uint16"])
def test_values_without_noise_are_kept_exactly_in_every_type(dtype):
    """Standardised floats lie outside 0 to 1, and large integers have no exact float32."""
    low = 0 if dtype.startswith("u") else -3
    inputs = tf.cast(tf.reshape(tf.linspace(low, 5, 1500), (3, 500)), dtype)
    if dtype == "int64":
        inputs += 2**53 + 1
    noisy = salt_and_pepper(inputs, SEEDS, share=0.2)[0].numpy()
    kept = noisy == inputs.numpy()
    assert abs(kept.mean() - 0.8) < 0.05
    if dtype in ("int16", "uint16"):
        assert set(noisy[~kept]) == {np.iinfo(dtype).min, np.iinfo(dtype).max}
    hidden = masking_noise(inputs, SEEDS, share=0.2)[0].numpy()
    np.testing.assert_array_equal(hidden, np.where(hidden == 0, 0, inputs))
    assert abs((hidden == inputs.numpy()).mean() - 0.8) < 0.05


def test_noise_on_floats_beyond_one_keeps_their_range():
    """Augmentation gives pixels as floats from 0 to 255."""
    pixels = tf.random.stateless_uniform((3, 500), (1, 2)) * 255
    noisy = gaussian_noise(pixels, SEEDS, stddev=0.1)[0].numpy()
    assert abs((noisy - pixels.numpy()).std() - 25.5) < 4
    assert np.all(noisy.max(axis=1) == pixels.numpy().max(axis=1))
    negative = gaussian_noise(pixels / 255 - 2, SEEDS, stddev=0.0)[0]
    np.testing.assert_array_equal(negative, pixels / 255 - 2)


def test_extreme_values_of_wide_integers_do_not_wrap():
    inputs = tf.constant([[2**63 - 1, -(2**63)] * 100] * 3, tf.int64)
    noisy = gaussian_noise(inputs, SEEDS, stddev=0.0)[0].numpy()
    np.testing.assert_array_equal(np.sign(noisy), np.sign(inputs))


def test_noise_on_booleans_is_an_error():
    for noise in (gaussian_noise, salt_and_pepper):
        with pytest.raises(InputError, match="noise needs numbers, but the data is boolean"):
            noise(tf.ones((3, 4), tf.bool), SEEDS)


def test_no_noise_changes_nothing():
    np.testing.assert_array_equal(gaussian_noise(grey(), SEEDS, stddev=0.0)[0], grey())


def test_salt_and_pepper_goes_half_each_way():
    values = salt_and_pepper(grey(), SEEDS, share=0.2)[0].numpy()
    assert abs((values == 0).mean() - 0.1) < 0.01
    assert abs((values == 255).mean() - 0.1) < 0.01
    assert abs((values == 128).mean() - 0.8) < 0.01


def test_masking_noise_takes_its_share():
    values = masking_noise(grey(), SEEDS, share=0.3)[0].numpy()
    assert abs((values == 0).mean() - 0.3) < 0.015
    assert set(np.unique(values)) == {0, 128}


def test_random_patches_hide_whole_patches_of_an_equal_number():
    seen, hidden = random_patches(grey(shape=(3, 28, 28, 3)), SEEDS, patch_size=4, share=0.75)
    assert hidden.shape == (3, 28, 28)
    patches = hidden.numpy().reshape(3, 7, 4, 7, 4).swapaxes(2, 3).reshape(3, 49, 16)
    assert np.all((patches == 0).all(axis=2) | (patches == 1).all(axis=2))
    np.testing.assert_array_equal(patches[:, :, 0].sum(axis=1), [37, 37, 37])
    np.testing.assert_array_equal(seen.numpy(), np.where(hidden.numpy()[..., None] == 1, 0, 128).repeat(3, axis=-1))


def test_patches_that_do_not_tile_are_an_error():
    with pytest.raises(InputError, match="patches of 5 x 5 do not tile inputs of shape"):
        random_patches(grey(shape=(3, 28, 28, 1)), SEEDS, patch_size=5)
