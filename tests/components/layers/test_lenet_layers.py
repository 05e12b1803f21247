"""The layers that Keras lacks: what they compute, by hand, and that they are saved with their settings."""

import keras
import numpy as np
import pytest

from dlkit.components.layers.channel_padding import ChannelPadding
from dlkit.components.layers.mapped_convolution import MappedConvolution
from dlkit.components.layers.radial_basis import RadialBasis
from dlkit.components.layers.scaled_tanh import ScaledTanh
from dlkit.components.layers.subsampling import Subsampling


def values(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_subsampling_is_the_sum_times_a_coefficient_plus_a_bias():
    layer = Subsampling()
    image = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    assert values(layer(image))[0, :, :, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]  # starts as the mean
    layer.coefficient.assign([2.0])
    layer.bias.assign([1.0])
    assert values(layer(image))[0, :, :, 0].tolist() == [[21.0, 37.0], [85.0, 101.0]]
    assert layer.count_params() == 2


def test_subsampling_leaves_out_what_fills_no_window():
    assert Subsampling(pool_size=2)(np.zeros((1, 5, 7, 3), "float32")).shape == (1, 2, 3, 3)


def test_the_mapped_convolution_sees_the_connected_channels_alone():
    layer = MappedConvolution(connections=[[0], [1], [0, 1]], kernel_size=2)
    image = np.random.default_rng(0).normal(size=(1, 3, 3, 2)).astype("float32")
    assert layer(image).shape == (1, 2, 2, 3)
    assert layer.kernel.shape == (2, 2, 4)
    layer.kernel.assign(np.ones((2, 2, 4)))
    sums = [[image[0, i : i + 2, j : j + 2].sum(axis=(0, 1)) for j in range(2)] for i in range(2)]
    expected = [[[first, second, first + second] for first, second in row] for row in sums]
    np.testing.assert_allclose(values(layer(image))[0], expected, rtol=1e-5)


def test_the_mapped_convolution_with_all_connections_is_a_convolution():
    layer = MappedConvolution(connections=[[0, 1]] * 3, kernel_size=3)
    image = np.random.default_rng(1).normal(size=(2, 6, 5, 2)).astype("float32")
    layer(image)
    kernel = np.moveaxis(values(layer.kernel).reshape(3, 3, 3, 2), 2, 3)
    np.testing.assert_allclose(values(layer(image)), values(keras.ops.conv(image, kernel)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("connections", [[], [[0], []], [[0, 0]], [[2]], [[-1]]])
def test_impossible_connections_are_refused(connections):
    with pytest.raises(ValueError, match="connections"):
        MappedConvolution(connections=connections, kernel_size=1).build((None, 4, 4, 2))


def test_the_radial_basis_gives_squared_distances():
    layer = RadialBasis(codes=[[1, -1], [0, 2]])
    assert values(layer(np.array([[1.0, -1.0], [0.0, 0.0]], "float32"))).tolist() == [[0.0, 10.0], [2.0, 4.0]]
    assert layer.count_params() == 0
    with pytest.raises(ValueError, match="length 2, the input has 3"):
        RadialBasis(codes=[[1, -1]]).build((None, 3))
    with pytest.raises(ValueError, match="same length"):
        RadialBasis(codes=[[1], [1, 2]])


def test_the_scaled_tanh_is_one_at_one():
    assert values(ScaledTanh()(np.array([-1.0, 0.0, 1.0, 100.0], "float32"))) == pytest.approx(
        [-1.0, 0.0, 1.0, 1.7159], abs=1e-4
    )


def test_padding_puts_empty_channels_around():
    padded = values(ChannelPadding(channels=5)(np.ones((1, 1, 1, 2), "float32")))
    assert padded[0, 0, 0].tolist() == [0.0, 1.0, 1.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="more than channels=1"):
        ChannelPadding(channels=1).build((None, 4, 4, 2))


@pytest.mark.parametrize(
    "layer",
    [
        Subsampling(pool_size=2),
        MappedConvolution(connections=[[0], [1, 0]], kernel_size=2),
        ScaledTanh(amplitude=2.0),
        ChannelPadding(channels=4),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_survive_being_saved(layer, tmp_path):
    inputs = keras.Input((4, 4, 2))
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    image = np.random.default_rng(0).normal(size=(2, 4, 4, 2)).astype("float32")
    np.testing.assert_array_equal(values(again(image)), values(model(image)))
    assert again.output_shape == model.output_shape


def test_the_codes_of_the_digits_are_84_pixels_each_and_far_from_each_other():
    from dlkit.components.models._digit_codes import CODES

    codes = np.array(CODES)
    assert codes.shape == (10, 84)
    assert set(np.unique(codes)) == {-1.0, 1.0}
    distances = ((codes[:, None] - codes[None]) ** 2).sum(-1) + 1000 * np.eye(10)
    assert distances.min() >= 4 * 5  # five pixels at least
