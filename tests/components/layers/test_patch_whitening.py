"""PatchWhitening against the covariance it is to remove; that training adapts it in a network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.ops import convert_to_numpy
from sklearn.datasets import load_digits

from dlkit.components.layers.patch_whitening import PatchWhitening
from dlkit.recipe import load_recipe
from dlkit.training.prepare import prepare


@pytest.fixture(scope="module")
def images():
    digits = load_digits().images[:600, ..., np.newaxis]
    noise = np.random.default_rng(0).normal(size=(600, 8, 8, 2))
    return np.concatenate([digits, 0.5 * digits[..., ::-1, :, :] + noise[..., :1], noise[..., 1:]], -1).astype(
        "float32"
    )


def adapted(images, **settings):
    layer = PatchWhitening(**settings)
    layer.build((None, *images.shape[1:]))
    layer.adapt(tf.data.Dataset.from_tensor_slices(images).batch(250))
    return layer


def test_outputs_have_variance_one_and_no_correlation(images):
    outputs = convert_to_numpy(adapted(images, negated=False, epsilon=0.0)(images)).reshape(-1, 12).astype("float64")
    np.testing.assert_allclose(outputs.T @ outputs / len(outputs), np.eye(12), atol=2e-3)


def test_epsilon_holds_small_eigenvalues_back(images):
    outputs = convert_to_numpy(adapted(images, negated=False, epsilon=1.0)(images)).reshape(-1, 12).astype("float64")
    second_moments = (outputs**2).mean(axis=0)
    patches = np.lib.stride_tricks.sliding_window_view(images.astype("float64"), (2, 2, 3), axis=(1, 2, 3))
    patches = patches.reshape(-1, 12)
    eigenvalues = np.linalg.eigvalsh(patches.T @ patches / len(patches))[::-1]
    np.testing.assert_allclose(second_moments, eigenvalues / (eigenvalues + 1), rtol=1e-3)


def test_the_second_half_is_the_first_negated(images):
    outputs = convert_to_numpy(adapted(images)(images))
    assert outputs.shape == (600, 7, 7, 24)
    np.testing.assert_allclose(outputs[..., 12:], -outputs[..., :12], rtol=1e-4, atol=1e-4)


def test_batches_do_not_matter(images):
    layer, other = adapted(images), PatchWhitening()
    other.build((None, *images.shape[1:]))
    other.adapt(tf.data.Dataset.from_tensor_slices(images).batch(100))
    np.testing.assert_allclose(convert_to_numpy(other.kernel), convert_to_numpy(layer.kernel), rtol=1e-5, atol=1e-7)


def test_it_survives_saving(images, tmp_path):
    inputs = keras.Input((8, 8, 3))
    layer = PatchWhitening(patch_size=3)
    network = keras.Model(inputs, layer(inputs))
    layer.adapt(tf.data.Dataset.from_tensor_slices(images).batch(250))
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(convert_to_numpy(again(images)), convert_to_numpy(network(images)))


def test_it_refuses_what_is_no_image():
    with pytest.raises(ValueError, match="expected images"):
        PatchWhitening().build((None, 12))


def test_training_adapts_it_in_the_network_to_what_comes_before(tmp_path):
    path = tmp_path / "whitened.yaml"
    path.write_text("""
recipe: 1
name: whitened
task: classification
data: {source: digits, limit: 400, preprocess: [Rescaling: {scale: 1/16}]}
model:
  sequential:
    layers:
      - PatchWhitening: {epsilon: 0}
      - Flatten
      - Dense: {units: 10, activation: softmax}
training: {epochs: 1, optimizer: SGD}
""")
    ready = prepare(load_recipe(path))
    images = ready.splits.train.inputs[:].astype("float64").reshape(-1, 8, 8, 1) / 16
    layer = ready.built.network.layers[1]
    assert not layer.trainable_weights
    outputs = convert_to_numpy(layer(images)).astype("float64").reshape(-1, 8)[:, :4]
    np.testing.assert_allclose(outputs.T @ outputs / len(outputs), np.eye(4), atol=2e-3)
