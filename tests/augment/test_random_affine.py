"""One affine resampling: exact where it must be, the same as the chain of Keras layers where that is random."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.augment.random_affine import _about_centre, _rotated, _scaled, _shifted, random_affine


def seeds(count, first=0):
    return tf.constant([[0, first + index] for index in range(count)], tf.int32)


@pytest.fixture(scope="module")
def images():
    from sklearn.datasets import load_digits

    return np.repeat(np.repeat(load_digits().images[:64], 4, axis=1), 4, axis=2)[..., np.newaxis].astype(np.uint8) * 15


def test_without_settings_nothing_changes(images):
    np.testing.assert_array_equal(random_affine(images, None, seeds(64))[0], images.astype(np.float32))


def test_a_flip_mirrors_about_half_of_the_images_exactly(images):
    flipped = random_affine(images, None, seeds(64), horizontal_flip=True)[0].numpy()
    mirrored = [np.array_equal(new, old[:, ::-1]) for new, old in zip(flipped, images, strict=True)]
    same = [np.array_equal(new, old) for new, old in zip(flipped, images, strict=True)]
    assert all(a or b for a, b in zip(mirrored, same, strict=True))
    assert 16 < sum(mirrored) < 48


def test_draws_depend_on_the_seed_of_each_image_alone(images):
    settings = {"rotation": 0.1, "shift": 0.2, "zoom": 0.2, "horizontal_flip": True}
    whole = random_affine(images, None, seeds(64), **settings)[0].numpy()
    part = random_affine(images[40:], None, seeds(24, first=40), **settings)[0].numpy()
    np.testing.assert_array_equal(whole[40:], part)
    assert not np.array_equal(whole, random_affine(images, None, seeds(64, first=1), **settings)[0].numpy())


def transform(image, matrix):
    height, width = image.shape[:2]
    vector = _about_centre(matrix, tf.constant(float(height)), tf.constant(float(width)))
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=image[np.newaxis].astype(np.float32),
        transforms=vector,
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    ).numpy()[0]


def test_shifts_turns_and_zooms_are_about_the_centre():
    image = np.zeros((9, 9, 1))
    image[4, 6] = 1.0  # two pixels right of the centre
    one = tf.constant([1.0])
    assert transform(image, _shifted(one * 1, one * 2))[2, 5] == 1.0
    np.testing.assert_allclose(transform(image, _rotated(one * np.pi / 2))[2, 4], 1.0, atol=1e-5)
    np.testing.assert_allclose(transform(image, _scaled(one * 2, one * 2))[4, 5], 1.0, atol=1e-6)


def test_spread_of_the_draws_is_that_of_the_keras_layers():
    """A bright dot's position after augmentation has the same mean and spread as through the chain of Keras layers."""
    dot = np.zeros((3000, 33, 33, 1), np.float32)
    dot[:, 16, 24] = 1.0
    ours = random_affine(dot, None, seeds(3000), rotation=30 / 360, shift=0.1, zoom=0.2, fill_mode="constant")[
        0
    ].numpy()
    chain = keras.Sequential(
        [
            keras.layers.RandomTranslation(0.1, 0.1, fill_mode="constant", seed=1),
            keras.layers.RandomRotation(30 / 360, fill_mode="constant", seed=2),
            keras.layers.RandomZoom(0.2, fill_mode="constant", seed=3),
        ]
    )
    theirs = chain(dot, training=True).numpy()
    for pictures in (ours, theirs):
        assert pictures.sum(axis=(1, 2, 3)).min() >= 0
    centre_ours, centre_theirs = (dot_positions(pictures) for pictures in (ours, theirs))
    np.testing.assert_allclose(centre_ours.mean(0), centre_theirs.mean(0), atol=0.35)
    np.testing.assert_allclose(centre_ours.std(0), centre_theirs.std(0), rtol=0.12)


def dot_positions(pictures):
    weights = pictures[..., 0]
    total = weights.sum(axis=(1, 2))
    kept = total > 1e-3
    rows = (weights.sum(axis=2) * np.arange(33)).sum(axis=1)[kept] / total[kept]
    columns = (weights.sum(axis=1) * np.arange(33)).sum(axis=1)[kept] / total[kept]
    return np.stack([rows, columns], axis=1)
