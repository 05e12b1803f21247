"""Tiles give what the whole image gives, for any tile size, and the receptive field is as far as a network looks."""

import keras
import numpy as np
import pytest

from dlkit.datasets._dataset import ArraySpec
from dlkit.errors import InputError
from dlkit.models.deeplab import deeplab
from dlkit.models.fcn import fcn
from dlkit.models.unet import unet
from dlkit.receptive_field import receptive_field
from dlkit.tasks._task import TargetSpec
from dlkit.tiling import TiledNetwork, Tiles

SHAPE, CLASSES = ArraySpec((None, None, 1), "float32"), TargetSpec((None, None, 2), ("a", "b"))


@pytest.fixture(scope="module")
def scan():
    """Real digits side by side as one picture of 48 x 64 pixels."""
    from dlkit.datasets.digits import Digits

    digits = Digits().load("train", None).inputs[: 6 * 8].astype(np.float32) / 255
    return digits.reshape(6, 8, 8, 8, 1).swapaxes(1, 2).reshape(48, 64, 1)


def network(kind, **settings):
    keras.utils.set_random_seed(0)
    return kind(SHAPE, CLASSES, **settings)


@pytest.fixture(scope="module")
def networks():
    small = {"depth": 2, "filters": 3}
    return {
        "transposed": network(unet, **small),
        "bilinear": network(unet, upsampling="bilinear", **small),
        "nearest": network(unet, upsampling="nearest", **small),
        "unpooling": network(unet, upsampling="unpooling", **small),
        "valid": network(unet, padding="valid", **small),
        "deeplab": network(deeplab, version="1", rates=[2], width_divisor=64),
    }


def whole(model, image):
    return np.asarray(model(image[np.newaxis]))[0]


@pytest.mark.parametrize("kind", ["transposed", "bilinear", "nearest", "unpooling", "deeplab"])
@pytest.mark.parametrize("size", [5, 16, 37, 500])
def test_tiles_equal_the_whole_image_for_any_tile_size(networks, scan, kind, size):
    model = networks[kind]
    tiled = TiledNetwork(model, model, Tiles(size))(scan)
    np.testing.assert_allclose(tiled, whole(model, scan), atol=2e-6)


@pytest.mark.parametrize("size", [5, 20, 33, 500])
def test_an_unpadded_network_sees_a_mirror_around_the_image(networks, scan, size):
    """Its own output lacks 20 pixels on each side; there and inside, the tiles agree with the whole image."""
    model = networks["valid"]
    tiled = TiledNetwork(model, model, Tiles(size))(scan)
    assert tiled.shape == (48, 64, 2)
    own = whole(model, scan)
    margin = (48 - own.shape[0]) // 2
    np.testing.assert_allclose(tiled[margin:-margin, margin : margin + own.shape[1]], own, atol=2e-6)
    np.testing.assert_allclose(tiled, TiledNetwork(model, model, Tiles())(scan), atol=2e-6)


def test_an_image_of_any_size_is_predicted_whole(networks, scan):
    model = networks["transposed"]
    odd = scan[:45, :62]
    found = TiledNetwork(model, model, Tiles())(odd)
    assert found.shape == (45, 62, 2)
    tiled = TiledNetwork(model, model, Tiles(24))(odd)
    np.testing.assert_allclose(tiled, found, atol=2e-6)
    mirrored = np.pad(odd, ((0, 3), (0, 2), (0, 0)), "reflect")
    np.testing.assert_allclose(found, whole(model, mirrored)[:45, :62], atol=2e-6)


def test_a_smaller_overlap_blends_neighbours(networks, scan):
    model = networks["transposed"]
    reference = whole(model, scan)
    errors = {
        overlap: np.abs(TiledNetwork(model, model, Tiles(16, overlap))(scan) - reference).max()
        for overlap in (0, 8, 24)
    }
    assert errors[24] < 2e-6 < errors[8] <= errors[0]


def test_a_network_that_looks_at_the_whole_image_is_blended(scan):
    model = network(deeplab, version="3plus", width_divisor=32)
    assert receptive_field(model) is None
    tiled = TiledNetwork(model, model, Tiles(32))(scan)
    assert tiled.shape == (48, 64, 2)
    np.testing.assert_allclose(tiled.sum(axis=-1), 1, atol=1e-5)


def test_a_network_of_one_size_takes_no_tiles(scan):
    model = unet(ArraySpec((48, 64, 1), "float32"), CLASSES, depth=2, filters=2)
    with pytest.raises(InputError, match="48 x 64 pixels alone"):
        TiledNetwork(model, model, Tiles(32))
    assert TiledNetwork(model, model, Tiles())(scan).shape == (48, 64, 2)


@pytest.mark.parametrize("kind", ["transposed", "bilinear", "nearest", "unpooling", "deeplab"])
def test_the_receptive_field_is_as_far_as_a_change_is_felt(networks, kind):
    """A change of one input pixel reaches outputs inside the computed reach and nowhere else."""
    model = networks[kind]
    reach = receptive_field(model)
    size = 4 * reach.halo
    image = np.random.default_rng(0).random((1, size, size, 1)).astype(np.float32)
    changed = image.copy()
    changed[0, size // 2, size // 2] += 5
    felt = np.abs(np.asarray(model(changed)) - np.asarray(model(image)))[0].max(axis=(1, 2)) > 1e-7
    rows = np.flatnonzero(felt) - size // 2
    assert -reach.after <= rows.min()
    assert rows.max() <= reach.before


def test_known_receptive_fields():
    image = keras.Input((None, None, 1))
    convolutions = keras.layers.Conv2D(1, 3, padding="same")(keras.layers.Conv2D(1, 3, padding="same")(image))
    two = receptive_field(keras.Model(image, convolutions))
    assert (two.before, two.after, two.step, two.grid) == (2, 2, 1, 1)
    atrous = receptive_field(keras.Model(image, keras.layers.Conv2D(1, 3, padding="same", dilation_rate=12)(image)))
    assert (atrous.before, atrous.after) == (12, 12)
    assert receptive_field(network(fcn, width_divisor=64)).grid == 32
