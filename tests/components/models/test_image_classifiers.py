"""Image classifiers: their counts follow the formulas at any size and width, and mistakes are explained."""

import keras
import numpy as np
import pytest

from dlkit.analysis.table import count_parameters, layer_rows
from dlkit.catalog.create import Component, create
from dlkit.catalog.signatures import keras_exports
from dlkit.components.models.googlenet import MODULES
from dlkit.errors import DlkitError, InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec
from dlkit.recipe.settings import settings_model


def build(model, shape, classes=10, **settings):
    targets = TargetSpec((classes,), tuple(map(str, range(classes))))
    return create(Component("model", model, settings), ArraySpec(shape, "float32"), targets)


def total(network):
    return count_parameters(network)["total"]


def conv(kernel, channels, filters):
    return (kernel**2 * channels + 1) * filters


def dense(inputs, units):
    return (inputs + 1) * units


def tower(kernels, channels, widths):
    """A stack of convolutions, each seeing all channels of the one before."""
    pairs = zip(kernels, [channels, *widths], widths, strict=False)
    return sum(conv(kernel, before, after) for kernel, before, after in pairs)


def flat(pixels, widths, hidden, classes):
    return dense(pixels * widths[-1], hidden) + dense(hidden, hidden) + dense(hidden, classes)


@pytest.mark.parametrize(
    ("size", "channels", "strides", "divisor", "classes", "side"),
    [(64, 3, 2, 8, 10, 2), (67, 1, 4, 8, 7, 1), (131, 3, 4, 4, 100, 3), (48, 4, 1, 16, 5, 3)],
)
def test_alexnet_follows_the_formula(size, channels, strides, divisor, classes, side):
    widths = [width // divisor for width in (96, 256, 384, 384, 256)]
    expected = tower((11, 5, 3, 3, 3), channels, widths) + flat(side**2, widths, 4096 // divisor, classes)
    network = build("alexnet", (size, size, channels), classes, strides=strides, width_divisor=divisor)
    assert total(network) == expected


def test_grouping_halves_the_channels_that_a_filter_sees():
    one, two = (build("alexnet", (64, 64, 3), strides=2, width_divisor=8, grouped=grouped) for grouped in (False, True))
    saved = 5**2 * 6 * 32 + 3**2 * 24 * 48 + 3**2 * 24 * 32
    assert total(one) - total(two) == saved


@pytest.mark.parametrize(("size", "divisor", "classes", "side"), [(64, 8, 10, 1), (224, 32, 3, 6), (96, 8, 20, 2)])
def test_zfnet_follows_the_formula(size, divisor, classes, side):
    widths = [width // divisor for width in (96, 256, 384, 384, 256)]
    expected = tower((7, 5, 3, 3, 3), 3, widths) + flat(side**2, widths, 4096 // divisor, classes)
    assert total(build("zfnet", (size, size, 3), classes, width_divisor=divisor)) == expected


def googlenet_count(divisor, channels, kernel, classes, auxiliary=False):
    """The convolutions of stem and modules, the head, and the side heads on 4x4 averaged pixels."""
    first, last = 64 // divisor, 192 // divisor
    count, channels, side = tower((kernel, 1, 3), channels, (first, first, last)), last, 0
    for name, widths in MODULES.items():
        one, reduce_3, three, reduce_5, five, pooled = (width // divisor for width in widths)
        count += sum(conv(1, channels, width) for width in (one, reduce_3, reduce_5, pooled))
        count += conv(3, reduce_3, three) + conv(5, reduce_5, five)
        channels = one + three + five + pooled
        if auxiliary and name in ("4a", "4d"):
            side += conv(1, channels, 128 // divisor) + dense(16 * (128 // divisor), 1024 // divisor)
            side += dense(1024 // divisor, classes)
    return count + dense(channels, classes) + side


@pytest.mark.parametrize(("divisor", "channels", "classes"), [(1, 3, 1000), (8, 1, 10), (4, 3, 37)])
def test_googlenet_follows_the_formula(divisor, channels, classes):
    network = build("googlenet", (64, 64, channels), classes, width_divisor=divisor)
    assert total(network) == googlenet_count(divisor, channels, 7, classes)
    if divisor == 1:
        assert total(network) == 6_998_552


def test_googlenet_has_the_modules_widths_of_the_paper():
    network = build("googlenet", (64, 64, 3), width_divisor=1)
    widths = {name: network.get_layer(name).output.shape[-1] for name in MODULES}
    assert list(widths.values()) == [256, 480, 512, 512, 512, 528, 832, 832, 1024]


def test_googlenet_with_side_heads_for_small_images():
    network = build("googlenet", (32, 32, 3), stem="small", auxiliary=True, width_divisor=8)
    assert total(network) == googlenet_count(8, 3, 3, 10, auxiliary=True)
    assert {name: tuple(output.shape) for name, output in network.output.items()} == {
        "output": (None, 10),
        "auxiliary_1": (None, 10),
        "auxiliary_2": (None, 10),
    }
    assert googlenet_count(1, 3, 7, 1000, auxiliary=True) == 13_378_280


def resnet_count(depth, widths, channels, classes, projection):
    """Convolutions without biases, four numbers for each normalised channel, a Dense head."""
    count = 9 * channels * widths[0] + 4 * widths[0]
    before = widths[0]
    for number, width in enumerate(widths):
        for _ in range((depth - 2) // 6):
            count += 9 * before * width + 9 * width * width + 8 * width
            before = width
        if number and projection:
            count += widths[number - 1] * width + 4 * width
    return count + dense(before, classes)


@pytest.mark.parametrize(
    ("depth", "divisor", "shortcut", "classes"),
    [(20, 1, "identity", 10), (20, 8, "projection", 10), (32, 4, "projection", 100), (8, 2, "identity", 3)],
)
def test_resnet_follows_the_formula(depth, divisor, shortcut, classes):
    network = build("resnet", (32, 32, 3), classes, depth=depth, width_divisor=divisor, shortcut=shortcut)
    widths = [width // divisor for width in (16, 32, 64)]
    assert total(network) == resnet_count(depth, widths, 3, classes, shortcut == "projection")
    if (depth, divisor) == (20, 1):
        assert count_parameters(network)["trainable"] == 269_722  # the usual count of the paper's net, 0.27 M


@pytest.mark.parametrize(("name", "repeats"), [("VGG16", (2, 2, 3, 3, 3)), ("VGG19", (2, 2, 4, 4, 4))])
def test_vgg_follows_the_formula(name, repeats):
    widths = [width // 8 for width, count in zip((64, 128, 256, 512, 512), repeats, strict=True) for _ in range(count)]
    expected = tower([3] * len(widths), 3, widths) + flat(2 * 2, widths, 512, 10)
    assert total(build("application", (64, 64, 3), name=name, width_divisor=8)) == expected


def test_resnet50_keeps_its_shape_when_its_widths_are_divided():
    """Bottlenecks of 3, 4, 6 and 3 blocks with biases and normalisation, as Keras has them."""
    network = build("application", (64, 64, 3), 7, name="ResNet50", width_divisor=8)
    expected, channels = conv(7, 3, 8) + 4 * 8, 8
    for width, blocks in ((8, 3), (16, 4), (32, 6), (64, 3)):
        for block in range(blocks):
            expected += conv(1, channels, width) + conv(3, width, width) + conv(1, width, 4 * width) + 4 * 6 * width
            expected += conv(1, channels, 4 * width) + 16 * width if block == 0 else 0
            channels = 4 * width
    assert total(network) == expected + dense(channels, 7)
    assert network.input.name == "inputs"


def test_widths_of_a_recipes_own_stack_are_divided_but_for_the_head():
    layers = [Component("layer", "Conv2D", {"filters": 16, "kernel_size": 3}), Component("layer", "Flatten")]
    layers += [Component("layer", "Dense", {"units": 12}), Component("layer", "Dense", {"units": 10})]
    network = build("sequential", (8, 8, 1), layers=layers, width_divisor=4)
    assert [row.parameters for row in layer_rows(network)] == [conv(3, 1, 4), 0, dense(144, 3), dense(3, 10)]


def test_the_published_lenet5_has_60_000_parameters_all_trained():
    network = build("lenet5_1998", (32, 32, 1))
    assert count_parameters(network) == {"total": 60_000, "trainable": 60_000, "non_trainable": 0}
    counts = {layer.name: layer.count_params() for layer in network.layers if layer.count_params()}
    assert counts == {"C1": 156, "S2": 12, "C3": 1_516, "S4": 32, "C5": 48_120, "F6": 10_164}
    assert network.get_layer("S4").output.shape[1:] == (5, 5, 16)


def test_the_published_lenet5_learns_even_where_it_is_sure_and_wrong():
    """Far from the right code the probability is 0 in float32; the loss must still have a gradient there."""
    import tensorflow as tf

    network = build("lenet5_1998", (32, 32, 1))
    network.get_layer("F6").bias.assign(np.full(84, -3.0, "float32"))
    with tf.GradientTape() as tape:
        probabilities = network(np.random.default_rng(0).uniform(size=(2, 32, 32, 1)).astype("float32"))
        loss = keras.losses.CategoricalCrossentropy()(np.eye(10, dtype="float32")[[0, 8]], probabilities)
    assert float(loss) > 50
    assert all(np.any(gradient != 0) for gradient in tape.gradient(loss, network.trainable_variables))


def test_the_names_of_applications_are_those_of_keras():
    allowed = settings_model("model", "application").model_fields["name"].annotation.__args__
    assert set(allowed) == {name for name in keras_exports("keras.applications") if name[:1].isupper()}


@pytest.mark.parametrize(
    ("model", "shape", "classes", "settings", "message", "hint"),
    [
        ("alexnet", (64, 64, 3), 10, {}, "at least 67x67 pixels, but they have 64x64", "data.resize"),
        ("alexnet", (38, 64, 3), 10, {"strides": 2}, "at least 39x39 pixels, but they have 38x64", "data.resize"),
        ("zfnet", (52, 52, 3), 10, {}, "at least 53x53", "data.resize"),
        ("googlenet", (64, 64, 3), 10, {"auxiliary": True}, "at least 65x65", "data.resize"),
        ("googlenet", (8, 8, 3), 10, {"auxiliary": True, "stem": "small"}, "at least 9x9", "data.resize"),
        ("resnet", (32, 32, 3), 10, {"depth": 21}, "depth 21 is not 6n + 2", "the nearest is 20"),
        ("resnet", (784,), 10, {}, "takes images (height, width, channels)", "without Flatten"),
        ("lenet5_1998", (28, 28, 1), 10, {}, "at least 32x32", "data.resize"),
        ("lenet5_1998", (32, 32, 1), 5, {}, "codes for 10 digits", "lenet5, the modern form"),
        ("application", (16, 16, 3), 10, {"name": "VGG16"}, "Input size must be at least 32x32", "data.resize"),
        ("application", (64, 64, None), 10, {"name": "VGG16"}, "number of channels", "declare it"),
        ("application", (64,), 10, {"name": "VGG16"}, "takes images", "without Flatten"),
        ("application", (32, 32, 3), 10, {"name": "EfficientNetB0", "width_divisor": 8}, "cannot be divided", "remove"),
    ],
)
def test_what_a_net_cannot_take_is_explained(model, shape, classes, settings, message, hint):
    with pytest.raises(InputError) as raised:
        build(model, shape, classes, **settings)
    [problem] = raised.value.problems
    assert message in problem.message
    assert hint in problem.hint


def test_the_smallest_sizes_build():
    for model, side, settings in (
        ("alexnet", 67, {}),
        ("zfnet", 53, {}),
        ("googlenet", 9, {"auxiliary": True, "stem": "small"}),
        ("resnet", 8, {"depth": 8}),
        ("lenet5_1998", 32, {}),
    ):
        divisor = {} if model == "lenet5_1998" else {"width_divisor": 16}
        assert build(model, (side, side, 1), **divisor, **settings).count_params() > 0


def test_images_of_any_size_and_five_channels():
    assert build("resnet", (None, None, 5), depth=8).output.shape == (None, 10)
    assert build("application", (64, 64, 5), name="MobileNetV2").input.shape == (None, 64, 64, 5)


def test_a_misspelt_name_and_too_small_images_are_located_in_the_recipe(tmp_path):
    from dlkit.model.summary import summarise
    from dlkit.recipe import load_recipe

    text = """\
recipe: 1
name: net
task: classification
data:
  source: {declared: {shape: [16, 16, 3], classes: 4}}
model:
  application: {name: VGG_16}
training: {epochs: 1, optimizer: SGD}
"""
    (tmp_path / "net.yaml").write_text(text)
    with pytest.raises(DlkitError) as raised:
        load_recipe(tmp_path / "net.yaml")
    [problem] = raised.value.problems
    assert (problem.location.line, problem.location.column) == (7, 23)
    assert problem.hint.startswith("did you mean 'VGG16'?")
    (tmp_path / "net.yaml").write_text(text.replace("VGG_16", "VGG16"))
    with pytest.raises(InputError) as raised:
        summarise(load_recipe(tmp_path / "net.yaml"))
    [problem] = raised.value.problems
    assert problem.location.line == 7
