"""InferenceViews and AverageViews: nothing in training, the mean over all views in inference."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from dlkit.components.layers.average_views import AverageViews, check_views
from dlkit.components.layers.inference_views import InferenceViews
from dlkit.errors import InputError


def images():
    return np.random.default_rng(0).normal(size=(3, 6, 5, 2)).astype("float32")


def test_training_sees_the_images_alone():
    x = images()
    np.testing.assert_array_equal(convert_to_numpy(InferenceViews(shift=1)(x, training=True)), x)
    np.testing.assert_array_equal(convert_to_numpy(AverageViews(views=6)(x, training=True)), x)


def test_views_follow_one_another():
    x = images()
    views = convert_to_numpy(InferenceViews(shift=2)(x)).reshape(6, 3, 6, 5, 2)
    padded = np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)], mode="reflect")
    wanted = [x, padded[:, :6, :5], padded[:, 4:, 4:]]
    np.testing.assert_array_equal(views[:3], wanted)
    np.testing.assert_array_equal(views[3:], np.flip(wanted, axis=3))


def test_without_flip_or_shift_there_are_fewer():
    x = images()
    assert InferenceViews()(x).shape == (6, 6, 5, 2)
    assert InferenceViews(shift=1, horizontal_flip=False)(x).shape == (9, 6, 5, 2)
    np.testing.assert_array_equal(convert_to_numpy(InferenceViews(horizontal_flip=False)(x)), x)


def test_a_network_predicts_the_mean_of_an_image_and_its_mirror_image(tmp_path):
    inputs = keras.Input((6, 5, 2))
    flatten, dense = keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")
    network = keras.Model(inputs, AverageViews(views=2)(dense(flatten(InferenceViews()(inputs)))))
    x = images()
    plain, mirrored = (convert_to_numpy(dense(flatten(view))) for view in (x, x[:, :, ::-1]))
    np.testing.assert_allclose(network.predict(x, verbose=0), (plain + mirrored) / 2, rtol=1e-5)
    np.testing.assert_allclose(convert_to_numpy(network(x, training=True)), plain, rtol=1e-6)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), network.predict(x, verbose=0))


def network_of(*layers):
    inputs = outputs = keras.Input((6, 5, 2))
    for layer in layers:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def test_as_many_views_are_averaged_as_are_made():
    check_views(network_of(keras.layers.Flatten()))
    check_views(network_of(InferenceViews(shift=1, horizontal_flip=False), AverageViews(views=3)))


@pytest.mark.parametrize(
    ("layers", "message", "hint"),
    [
        (
            [InferenceViews(shift=1), AverageViews(views=2)],
            "creates 6 views of an image, .* averages over 2",
            "views: 6",
        ),
        ([InferenceViews()], "creates 2 views of an image, but there is no AverageViews", "views: 2"),
        (
            [AverageViews(views=2)],
            "there is no InferenceViews, but AverageViews averages over 2",
            "remove AverageViews",
        ),
    ],
)
def test_other_views_than_there_are_is_an_error(layers, message, hint):
    with pytest.raises(InputError, match=message) as caught:
        check_views(network_of(*layers))
    assert hint in caught.value.problems[0].hint
