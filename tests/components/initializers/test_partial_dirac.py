"""PartialDirac: what comes in goes out again, beside what is drawn."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from dlkit.components.initializers.partial_dirac import PartialDirac


def test_the_first_filters_pass_their_channel_on():
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 4)).astype("float32")
    layer = keras.layers.Conv2D(10, 3, padding="same", kernel_initializer=PartialDirac(seed=1))
    outputs = convert_to_numpy(layer(x))
    np.testing.assert_array_equal(outputs[..., :4], x)
    assert np.abs(outputs[..., 4:] - x[..., :1]).min(axis=(0, 1, 2)).max() > 0


def test_the_others_are_uniform_with_the_stated_variance():
    kernel = convert_to_numpy(PartialDirac(scale=0.5, seed=1)((3, 3, 20, 400)))[..., 20:]
    limit = (3 * 0.5 / (9 * 20)) ** 0.5
    assert kernel.var() == pytest.approx(0.5 / (9 * 20), rel=0.02)
    assert 0.99 * limit < np.abs(kernel).max() <= limit


def test_with_fewer_filters_than_channels_all_pass_one_on():
    kernel = convert_to_numpy(PartialDirac()((3, 3, 6, 4)))
    assert kernel.sum() == 4
    np.testing.assert_array_equal(kernel[1, 1], np.eye(6, 4))


@pytest.mark.parametrize("shape", [(12, 5), (2, 2, 3, 8)])
def test_it_refuses_kernels_without_a_middle(shape):
    with pytest.raises(ValueError, match="odd height and width"):
        PartialDirac()(shape)


def test_its_settings_survive_saving():
    again = keras.initializers.deserialize(keras.initializers.serialize(PartialDirac(scale=0.2, seed=3)))
    assert again.get_config() == {"scale": 0.2, "seed": 3}
