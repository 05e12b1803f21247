"""FCN, U-Net and DeepLab: counts and sizes of the decks, any image size, and four real images learnt by heart."""

import keras
import numpy as np
import pytest

from dlkit.analysis.table import count_parameters
from dlkit.components.losses.cross_entropy_dice import CrossEntropyDice
from dlkit.components.models.deeplab import deeplab
from dlkit.components.models.fcn import fcn
from dlkit.components.models.unet import unet
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec
from dlkit.recipe import load_recipe

FCN = [{"variant": name} for name in ("32s", "16s", "8s")]
DEEPLAB = [{"version": name} for name in ("1", "2", "3", "3plus")]
UPSAMPLING = ("transposed", "nearest", "bilinear", "unpooling")


@pytest.fixture
def zeros(monkeypatch):
    """Start weights cost seconds where there are hundreds of millions; counts do not need them."""
    for name in ("GlorotUniform", "HeNormal"):
        kind = getattr(keras.initializers, name)
        monkeypatch.setattr(kind, "__call__", lambda self, shape, dtype=None: keras.ops.zeros(shape, dtype))


def image(height, width, channels=3):
    return ArraySpec((height, width, channels), "float32")


def classes(count):
    return TargetSpec((None, None, count), tuple(map(str, range(count))))


def built(recipe):
    """A shipped recipe's network."""
    from dlkit.data.source import build_dataset, describe
    from dlkit.model.build import build_model

    loaded = load_recipe(recipe)
    return loaded.recipe, build_model(loaded.recipe, describe(loaded.recipe, build_dataset(loaded.recipe))).network


@pytest.mark.parametrize(
    "name", ["fcn32s", "unet_original", "deeplabv1", "deeplabv3", "deeplabv3plus", "unet", "deeplabv3plus_separable"]
)
def test_recipes_have_the_counts_that_they_promise(name, zeros):
    recipe, network = built(name)
    expected = recipe.expect.parameters
    assert count_parameters(network) == expected.model_dump()


def test_counts_of_the_decks():
    wanted = {"fcn32s": 136_152_917, "unet_original": 31_030_658, "deeplabv3plus": 11_857_236}
    for name, total in wanted.items():
        assert load_recipe(name).recipe.expect.parameters.total == total
    assert load_recipe("deeplabv3plus").recipe.expect.parameters.trainable == 11_824_500


def test_separable_convolutions_save_what_the_formula_says(zeros):
    saved = 4 * (9 * 256 * 256 - 9 * 256 - 256 * 256) + 9 * 304 * 256 - 9 * 304 - 304 * 256
    _, network = built("deeplabv3plus_separable")
    assert network.count_params() == 11_857_236 - saved
    assert network.get_layer("aspp12_atrous_conv").dilation_rate == (12, 12)
    with pytest.raises(InputError, match="DeepLab 3 has no separable convolutions"):
        deeplab(image(64, 64), classes(3), version="3", separable=True)


def test_the_transposed_convolution_of_fcn32s(zeros):
    _, network = built("fcn32s")
    upsample = network.get_layer("upsample")
    assert (upsample.kernel_size, upsample.use_bias, upsample.count_params()) == ((64, 64), False, 1_806_336)


def test_the_sizes_of_the_original_unet(zeros):
    _, network = built("unet_original")
    names = [f"encoder{i}_relu2" for i in (1, 2, 3, 4)] + ["bottom_relu2"]
    names += [f"decoder{i}_relu2" for i in (4, 3, 2, 1)] + ["head_scores"]
    sizes = [network.get_layer(name).output.shape[2:] for name in names]
    down = [(568, 64), (280, 128), (136, 256), (64, 512), (28, 1024)]
    assert sizes == [*down, (52, 512), (100, 256), (196, 128), (388, 64), (388, 2)]


def test_skips_are_joined_and_not_added():
    network = unet(image(32, 32, 1), classes(2), depth=2, filters=4)
    assert network.get_layer("decoder2_concat").output.shape[-1] == 2 * 8
    assert network.get_layer("decoder2_conv1").count_params() == (9 * 16 + 1) * 8


@pytest.mark.parametrize("upsampling", UPSAMPLING)
def test_unet_takes_any_size_that_halves_exactly(upsampling):
    network = unet(image(None, None, 1), classes(2), depth=2, filters=2, upsampling=upsampling, activation="sigmoid")
    for height, width in ((16, 24), (20, 12)):
        assert network(np.ones((1, height, width, 1), np.float32)).shape == (1, height, width, 1)
    with pytest.raises(InputError, match="the image size 30 is not divisible by 2\\^depth = 4"):
        unet(image(30, 32, 1), classes(2), depth=2)


@pytest.mark.parametrize("settings", [*FCN, *DEEPLAB], ids=str)
def test_fcn_and_deeplab_take_any_size(settings):
    builder = fcn if "variant" in settings else deeplab
    network = builder(image(None, None), classes(3), width_divisor=64, **settings)
    for height, width in ((33, 47), (64, 32)):
        output = np.asarray(network(np.random.default_rng(0).random((1, height, width, 3), np.float32)))
        assert output.shape == (1, height, width, 3)
        np.testing.assert_allclose(output.sum(axis=-1), 1, rtol=1e-5)


def test_one_channel_tells_two_classes_apart():
    assert fcn(image(32, 32), classes(2), activation="sigmoid", width_divisor=64).output.shape == (None, 32, 32, 1)
    with pytest.raises(InputError, match="one sigmoid channel separates two classes, but there are 3"):
        deeplab(image(32, 32), classes(3), activation="sigmoid", width_divisor=64)


def test_atrous_rates_change_no_count():
    one, other = (deeplab(image(32, 32), classes(2), version="2", rates=r, width_divisor=64) for r in ([1, 2], [6, 12]))
    assert one.count_params() == other.count_params()
    assert one.get_layer("block5_conv1").dilation_rate == (2, 2)


def four_digits(cell):
    """Four real digits as 4 x 4 cells, each `cell` pixels wide as a network's own step is, and where they have ink."""
    from dlkit.components.datasets.digits import Digits

    images = Digits().load("train", None).inputs[:4, ..., 0].astype(np.float32) / 255
    cells = images.reshape(4, 4, 2, 4, 2).mean(axis=(2, 4))
    large = np.repeat(np.repeat(cells, cell, axis=1), cell, axis=2)[..., np.newaxis]
    return np.repeat(large, 3, axis=-1), (large > 0.5).astype(np.float32)


STEPS = {"8s": 8, "2": 8}  # of the pixels that the network tells apart


@pytest.mark.parametrize("settings", [FCN[2], DEEPLAB[1]], ids=str)
def test_four_images_are_learnt_by_heart(settings):
    """At a thirty-second of the width; dropout would only make it slower. tests/real has DeepLab 3 and 3+."""
    keras.utils.set_random_seed(0)
    builder = fcn if "variant" in settings else deeplab
    dropout = {"dropout": 0.0}
    images, masks = four_digits(STEPS[next(iter(settings.values()))])
    size = images.shape[1:3]
    network = builder(image(*size), classes(2), activation="sigmoid", width_divisor=32, **dropout, **settings)
    network.compile(keras.optimizers.Adam(0.002), CrossEntropyDice())
    first = network.train_on_batch(images, masks)
    accuracy = 0.0
    for _ in range(30):
        for _ in range(10):
            network.train_on_batch(images, masks)
        accuracy = float(np.mean((np.asarray(network(images)) > 0.5) == masks))
        if accuracy > 0.97:
            break
    assert accuracy > 0.97, (first, accuracy)
