"""A mean of two images with weights of the beta distribution."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import beta, kstest

from dlkit import draws
from dlkit.components.augment.mixup import mixup
from dlkit.errors import InputError

COUNT = 2000
SEEDS = tf.constant([[0, index] for index in range(COUNT)], tf.int32)
IMAGES = tf.constant(np.random.default_rng(0).integers(0, 256, (COUNT, 3, 2, 1)).astype(np.uint8))
OTHERS = IMAGES[::-1]


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 3.0])
def test_numbers_are_of_the_beta_distribution(alpha):
    drawn = draws.beta(SEEDS, alpha).numpy()
    assert np.isfinite(drawn).all()
    # Numbers nearer to 0 or 1 than float32 tells are all the same: what lies between is compared.
    inner = drawn[(drawn > 1e-6) & (drawn < 1 - 1e-6)]
    law = beta(alpha, alpha)
    low, span = law.cdf(1e-6), law.cdf(1 - 1e-6) - law.cdf(1e-6)
    assert len(inner) / COUNT == pytest.approx(span, abs=0.04)
    assert kstest(inner, lambda x: (law.cdf(x) - low) / span).pvalue > 0.001


def test_images_are_means_by_the_weights_and_keep_the_larger_share():
    images, shares = mixup(IMAGES, OTHERS, SEEDS, alpha=1.0)
    assert images.dtype == tf.uint8
    assert shares.numpy().max() <= 0.5
    assert shares.numpy().mean() == pytest.approx(0.25, abs=0.02)
    weight = shares.numpy().astype(np.float64).reshape(-1, 1, 1, 1)
    np.testing.assert_allclose(images, (1 - weight) * IMAGES.numpy() + weight * OTHERS.numpy(), atol=0.501)


def test_floats_are_not_rounded():
    given, other = (tf.cast(images, tf.float32) / 255 for images in (IMAGES, OTHERS))
    images, shares = mixup(given, other, SEEDS)
    assert images.dtype == tf.float32
    weight = shares.numpy().reshape(-1, 1, 1, 1)
    np.testing.assert_allclose(images, (1 - weight) * given + weight * other, atol=1e-6)


def test_draws_depend_on_the_seed_of_each_image_alone():
    whole, part = (mixup(IMAGES[start:], OTHERS[start:], SEEDS[start:])[0] for start in (0, 50))
    np.testing.assert_array_equal(whole[50:], part)


def test_integers_do_not_wrap_and_booleans_are_an_error():
    largest = tf.fill((3, 2), tf.int64.max)
    np.testing.assert_array_equal(mixup(largest, largest, SEEDS[:3])[0], largest)
    with pytest.raises(InputError, match="mixup needs numbers, but the data is boolean"):
        mixup(tf.ones((3, 2), tf.bool), tf.ones((3, 2), tf.bool), SEEDS[:3])
