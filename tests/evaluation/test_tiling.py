"""Tiles give what the whole image gives, for any tile size, and the receptive field is as far as a network looks."""

from functools import partial
from itertools import product

import keras
import numpy as np
import pytest
from keras import layers

from dlkit.analysis.cost import layer_costs
from dlkit.analysis.receptive_field import fields, receptive_field
from dlkit.components.layers.bilinear_upsampling import BilinearUpsampling
from dlkit.components.layers.patch_whitening import PatchWhitening
from dlkit.components.layers.subsampling import Subsampling
from dlkit.components.layers.transposed_convolution import TransposedConvolution
from dlkit.components.models.deeplab import deeplab
from dlkit.components.models.fcn import fcn
from dlkit.components.models.unet import unet
from dlkit.errors import InputError
from dlkit.evaluation.tiling import TiledNetwork, Tiles
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

SHAPE, CLASSES = ArraySpec((None, None, 1), "float32"), TargetSpec((None, None, 2), ("a", "b"))


@pytest.fixture(scope="module")
def scan():
    """Real digits side by side as one picture of 48 x 64 pixels."""
    from dlkit.components.datasets.digits import Digits

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
    with pytest.raises(InputError, match="only takes images of 48 x 64 pixels"):
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


def image_network(*stack, height=None, width=None):
    keras.utils.set_random_seed(0)
    inputs = outputs = keras.Input((height, width, 1))
    for layer in stack:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize(
    ("stack", "halos", "grids"),
    [
        ([layers.Conv2D(3, (1, 9), padding="same"), layers.Conv2D(2, 1)], [0, 4], [1, 1]),
        ([layers.Conv2D(3, (9, 1), padding="same"), layers.Conv2D(2, (1, 3), padding="same")], [4, 1], [1, 1]),
        ([layers.Conv2D(2, 3, dilation_rate=(1, 4), padding="same")], [1, 4], [1, 1]),
        ([layers.Conv2D(2, (1, 9), dilation_rate=(1, 4), padding="same")], [0, 16], [1, 1]),
        (
            [
                layers.Conv2D(3, (3, 5), strides=(1, 2), padding="same"),
                layers.MaxPooling2D((1, 3)),
                layers.Conv2D(3, (1, 3), padding="same"),
                layers.UpSampling2D((1, 6)),
            ],
            [1, 18],
            [1, 6],
        ),
        (
            [layers.AveragePooling2D((4, 1)), layers.Conv2DTranspose(2, (6, 3), strides=(4, 1), padding="same")],
            [4, 1],
            [4, 1],
        ),
    ],
)
@pytest.mark.parametrize("size", [5, 16])
def test_each_axis_has_its_own_reach_and_grid(scan, stack, halos, grids, size):
    model = image_network(*stack, layers.Softmax())
    scan = scan[:, :60]
    reaches = [receptive_field(model, dimension) for dimension in (0, 1)]
    assert [(reach.halo, reach.grid) for reach in reaches] == list(zip(halos, grids, strict=True))
    tiled = TiledNetwork(model, model, Tiles(size))(scan)
    np.testing.assert_allclose(tiled, whole(model, scan), atol=1e-6)


def test_a_network_may_be_unpadded_along_one_axis_alone(scan):
    model = image_network(layers.Conv2D(2, (3, 1), padding="same"), layers.Conv2D(2, (1, 9)))
    tiled = TiledNetwork(model, model, Tiles(20))(scan)
    assert tiled.shape == (48, 64, 2)
    np.testing.assert_allclose(tiled[:, 4:-4], whole(model, scan), atol=1e-6)
    np.testing.assert_allclose(tiled, TiledNetwork(model, model, Tiles())(scan), atol=1e-6)


@pytest.mark.parametrize(
    "last",
    [
        lambda: layers.Softmax(axis=1),
        lambda: layers.Softmax(axis=(1, 2, 3)),
        lambda: layers.Activation(partial(keras.activations.softmax, axis=-3)),
        lambda: layers.Conv2D(2, 1, activation=layers.Softmax(axis=1)),
        lambda: layers.Activation(lambda x: keras.activations.softmax(x, axis=1)),
        lambda: layers.GroupNormalization(1),
    ],
)
def test_what_mixes_values_along_an_axis_of_the_image_is_no_pointwise_layer(scan, last):
    model = image_network(layers.Conv2D(2, 3, padding="same"), last())
    assert receptive_field(model) is None
    assert layer_costs(model)[-1].receptive_field is None


def test_a_softmax_along_an_axis_is_predicted_whole(scan):
    model = image_network(layers.Conv2D(2, 3, padding="same"), layers.Softmax(axis=1))
    assert receptive_field(model) is None
    assert receptive_field(model, 1).halo == 1
    np.testing.assert_allclose(TiledNetwork(model, model, Tiles())(scan), whole(model, scan), atol=1e-6)
    tiled = TiledNetwork(model, model, Tiles(48))(scan)  # of the full height
    np.testing.assert_allclose(tiled, whole(model, scan), atol=1e-6)


WIDTH = 24


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(1, 5, strides=2, padding="same"),
        layers.Conv2D(1, (3, 4), dilation_rate=(1, 3)),
        layers.SeparableConv2D(1, (1, 3), padding="same"),
        layers.MaxPooling2D((1, 3), strides=(1, 2)),
        layers.AveragePooling2D(4, padding="same"),
        *(layers.Conv2DTranspose(1, (1, k), strides=(1, s)) for k, s in ((2, 2), (3, 2), (5, 3), (2, 3))),
        *(
            layers.Conv2DTranspose(1, (1, k), strides=(1, s), padding="same")
            for k, s in ((4, 2), (3, 2), (7, 3), (1, 2))
        ),
        layers.Conv2DTranspose(1, 3, dilation_rate=2, padding="same"),
        TransposedConvolution(filters=1, kernel_size=5, strides=2, padding=1),
        layers.UpSampling2D((1, 3)),
        *(layers.UpSampling2D((1, size), interpolation="bilinear") for size in (2, 3, 4, 5)),
        layers.UpSampling2D((1, 3), interpolation="bicubic"),
        layers.UpSampling2D((1, 2), interpolation="lanczos3"),
        BilinearUpsampling(size=3),
        layers.ZeroPadding2D(((0, 0), (3, 1))),
        layers.Cropping2D(((0, 0), (3, 1))),
        Subsampling(pool_size=3),
        PatchWhitening(patch_size=2, negated=False),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layers_own_reach_holds_every_column_whose_change_is_felt(layer):
    """The places that each output column depends on are no more than `size`, and inside the computed bounds."""
    model = image_network(layer, height=8, width=WIDTH)
    for variable in model.weights:
        variable.assign(np.random.default_rng(0).uniform(0.5, 1, variable.shape))
    reach = fields(model)[id(model.output)][1]
    image = np.random.default_rng(1).random((1, 8, WIDTH, 1))
    output = np.asarray(model(image))
    felt = np.zeros((output.shape[2], WIDTH), bool)
    for column, change in product(range(WIDTH), (9, -9)):
        changed = image.copy()
        changed[:, :, column] += change
        felt[:, column] |= np.abs(np.asarray(model(changed)) - output).max(axis=(0, 1, 3)) > 1e-6
    for place, columns in enumerate(map(np.flatnonzero, felt)):
        assert len(columns) <= reach.size
        low, high = place * reach.step - reach.before, place * reach.step + reach.after
        assert all(low <= column <= high for column in columns)
