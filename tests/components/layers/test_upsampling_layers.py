"""The deck's ways to enlarge: nearest, bilinear, max-unpooling and transposed convolution, with its numbers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.components.initializers.bilinear import Bilinear
from dlkit.components.layers.bilinear_upsampling import BilinearUpsampling
from dlkit.components.layers.crop_like import CropLike
from dlkit.components.layers.image_level_features import ImageLevelFeatures
from dlkit.components.layers.max_pooling_with_indices import MaxPoolingWithIndices
from dlkit.components.layers.max_unpooling import MaxUnpooling
from dlkit.components.layers.transposed_convolution import TransposedConvolution

SMALL = np.array([[1, 2], [3, 4]], np.float32).reshape(1, 2, 2, 1)


@pytest.fixture(scope="module")
def digit():
    from dlkit.components.datasets.digits import Digits

    return Digits().load("train", None).inputs[:3].astype(np.float32)


def grid(tensor):
    return np.asarray(tensor)[0, ..., 0]


def test_nearest_and_bilinear_are_those_of_keras():
    nearest = keras.layers.UpSampling2D(2)(SMALL)
    np.testing.assert_array_equal(grid(nearest), [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]])
    bilinear = keras.layers.UpSampling2D(2, interpolation="bilinear")(SMALL)
    rows = [[1, 1.25, 1.75, 2], [1.5, 1.75, 2.25, 2.5], [2.5, 2.75, 3.25, 3.5], [3, 3.25, 3.75, 4]]
    np.testing.assert_allclose(grid(bilinear), rows, atol=1e-6)
    np.testing.assert_allclose(grid(BilinearUpsampling()(SMALL)), rows, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_bilinear_upsampling_is_that_of_keras_and_works_in_a_graph_of_any_size(digit, size):
    wanted = keras.layers.UpSampling2D(size, interpolation="bilinear")(digit)
    layer = BilinearUpsampling(size=size)
    assert layer(keras.Input((None, 4, 1))).shape == (None, None, 4 * size, 1)
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 1))])
    np.testing.assert_allclose(graph(digit), wanted, atol=1e-3)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "output"),
    [
        *[(2, 3, 1, 0, 4), (4, 3, 1, 0, 6), (5, 3, 2, 1, 9), (28, 2, 2, 0, 56), (7, 4, 2, 1, 14), (8, 4, 4, 0, 32)],
        *[(6, 3, 2, 0, 13), (5, 1, 2, 0, 9), (4, 2, 3, 0, 11)],
    ],
)
def test_transposed_sizes_are_those_of_the_formula(size, kernel, stride, padding, output):
    assert output == (size - 1) * stride + kernel - 2 * padding
    layer = TransposedConvolution(filters=2, kernel_size=kernel, strides=stride, padding=padding)
    assert layer(np.ones((1, size, size, 1), np.float32)).shape == (1, output, output, 2)
    assert layer(keras.Input((size, size, 1))).shape == (None, output, output, 2)
    assert layer(keras.Input((None, None, 1))).shape == (None, None, None, 2)


def test_transposed_convolution_adds_overlapping_kernels():
    layer = TransposedConvolution(filters=1, kernel_size=3, strides=2, kernel_initializer="ones", use_bias=False)
    whole = [[1, 1, 3, 2, 2], [1, 1, 3, 2, 2], [4, 4, 10, 6, 6], [3, 3, 7, 4, 4], [3, 3, 7, 4, 4]]
    np.testing.assert_array_equal(grid(layer(SMALL)), whole)
    cut = TransposedConvolution(
        filters=1, kernel_size=3, strides=2, padding=1, kernel_initializer="ones", use_bias=False
    )
    np.testing.assert_array_equal(grid(cut(SMALL)), np.array(whole)[1:-1, 1:-1])


def test_transposed_convolution_refuses_a_padding_that_leaves_nothing():
    with pytest.raises(ValueError, match="allowed: 0 to 1"):
        TransposedConvolution(filters=1, kernel_size=3, padding=2)


def test_a_bilinear_kernel_enlarges_as_interpolation_does(digit):
    layer = TransposedConvolution(
        filters=1, kernel_size=4, strides=2, padding=1, kernel_initializer=Bilinear(), use_bias=False
    )
    wanted = keras.layers.UpSampling2D(2, interpolation="bilinear")(digit)
    inner = (slice(None), slice(1, -1), slice(1, -1))  # the interpolation repeats the border, the kernel adds zeros
    np.testing.assert_allclose(np.asarray(layer(digit))[inner], np.asarray(wanted)[inner], atol=1e-4)
    kernel = np.asarray(Bilinear()((3, 3, 2, 2)))
    np.testing.assert_allclose(kernel[:, :, 0, 0], [[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]])
    assert not kernel[:, :, 0, 1].any()


def test_max_unpooling_puts_maxima_back_where_they_were(digit):
    maxima, indices = MaxPoolingWithIndices()(digit)
    np.testing.assert_array_equal(maxima, keras.layers.MaxPooling2D()(digit))
    back = np.asarray(MaxUnpooling()([maxima, indices]))
    assert back.shape == digit.shape
    kept = back != 0
    np.testing.assert_array_equal(back[kept], digit[kept])
    assert kept.sum() == np.count_nonzero(maxima)
    example = np.array([[0, 5, 2, 1], [3, 4, 0, 9]], np.float32).reshape(1, 2, 4, 1)
    pooled, places = MaxPoolingWithIndices()(example)
    assert np.ravel(places).tolist() == [1, 3]
    np.testing.assert_array_equal(grid(MaxUnpooling()([2 * pooled, places])), [[0, 10, 0, 0], [0, 0, 0, 18]])


def test_pooling_drops_what_fills_no_window():
    maxima, indices = MaxPoolingWithIndices(pool_size=3)(np.ones((1, 7, 8, 2), np.float32))
    assert maxima.shape == indices.shape == (1, 2, 2, 2)
    symbolic = MaxPoolingWithIndices()(keras.Input((None, 9, 4)))
    assert [tensor.shape for tensor in symbolic] == [(None, None, 4, 4)] * 2


def test_crop_like_cuts_around_the_centre_or_at_the_start(digit):
    reference = np.zeros((3, 4, 6, 1), np.float32)
    np.testing.assert_array_equal(CropLike()([digit, reference]), digit[:, 2:6, 1:7])
    np.testing.assert_array_equal(CropLike(align="start")([digit, reference]), digit[:, :4, :6])


def test_image_level_features_are_bilinear_upsampling_of_one_pixel(digit):
    features = digit.mean(axis=(1, 2), keepdims=True)
    wanted = keras.layers.UpSampling2D(8, interpolation="bilinear")(features)
    np.testing.assert_allclose(ImageLevelFeatures()([features, digit]), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        TransposedConvolution(filters=2, kernel_size=4, strides=2, padding=1),
        MaxUnpooling(pool_size=3),
        CropLike(align="start"),
        BilinearUpsampling(size=3),
    ],
)
def test_layers_are_saved_with_their_settings(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
