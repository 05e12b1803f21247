"""One affine resampling: exact where it must be, the same as the chain of Keras layers where that is random."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.augment.random_affine import _about_centre, _resampled, _rotated, _scaled, _shifted, random_affine


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


@pytest.fixture(scope="module")
def photographs():
    """Sixty pieces of a photograph, 32 x 32 pixels, as the small pictures of CIFAR-10."""
    from sklearn.datasets import load_sample_image

    picture = load_sample_image("china.jpg")[:384].astype(np.float32)
    small = picture.reshape(192, 2, 320, 2, 3).mean(axis=(1, 3))
    return np.stack([small[r : r + 32, c : c + 32] for r in range(0, 192, 32) for c in range(0, 320, 32)])


def resampled(images, *matrices):
    """Images through one resampling for each matrix."""
    for matrix in matrices:
        height, width = (tf.constant(float(size)) for size in images.shape[1:3])
        transforms = tf.repeat(_about_centre(matrix, height, width), len(images), axis=0)
        images = _resampled(images, transforms, "BILINEAR", "nearest", 0).numpy()
    return images


def parts_and_layers(right, down, turn, zoom):
    """The same transform as matrices and as Keras layers whose ranges hold one value each."""
    one = tf.constant([1.0])
    matrices = [
        _shifted(one * -right * 32, one * -down * 32),
        _rotated(one * turn * 2 * np.pi),
        _scaled(one * (1 + zoom), one * (1 + zoom)),
    ]
    layers = [
        keras.layers.RandomTranslation((down, down), (right, right), fill_mode="nearest"),
        keras.layers.RandomRotation((turn, turn), fill_mode="nearest"),
        keras.layers.RandomZoom((zoom, zoom), (zoom, zoom), fill_mode="nearest"),
    ]
    return matrices, layers


SETTINGS = [(0.1, -0.05, 0.05, 0.2), (0.13, 0.07, -0.06, -0.15), (-0.2, 0.1, 0.02, 0.1)]


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_transform_is_that_of_its_keras_layer(photographs, settings):
    for matrix, layer in zip(*parts_and_layers(*settings), strict=True):
        theirs = np.asarray(layer(photographs, training=True))
        np.testing.assert_allclose(resampled(photographs, matrix), theirs, atol=0.01)


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_chain_of_keras_layers_differs_by_its_blur_alone(photographs, settings):
    """Three resamplings are the chain; one instead of three keeps the pictures sharper, a few of 255 levels away."""
    matrices, layers = parts_and_layers(*settings)
    chain = np.asarray(keras.Sequential(layers)(photographs, training=True))
    np.testing.assert_allclose(resampled(photographs, *matrices), chain, atol=0.05)
    once = resampled(photographs, matrices[0] @ matrices[1] @ matrices[2])
    inside = (slice(None), slice(8, 24), slice(8, 24))  # away from the border, which the chain repeats three times
    assert np.abs(once - chain)[inside].mean() < 4
    assert sharpness(once[inside]) > 1.3 * sharpness(chain[inside])


def sharpness(pictures):
    return np.abs(np.diff(pictures, axis=1)).mean() + np.abs(np.diff(pictures, axis=2)).mean()
