"""Transfer learning's builder: counts, groups, where weights come from, and every way in which that fails."""

from typing import get_args

import h5py
import keras
import numpy as np
import pytest

from dlkit.analysis.table import count_parameters
from dlkit.catalog.applications import Application
from dlkit.catalog.create import Component
from dlkit.components.layers.application_preprocessing import ApplicationPreprocessing
from dlkit.components.models import _imagenet, _weight_files
from dlkit.components.models._weight_files import load_weight_file
from dlkit.errors import InputError, MissingError, RecipeError
from dlkit.interfaces.data import ArraySpec, Description
from dlkit.interfaces.task import TargetSpec
from dlkit.model.build import build_model
from dlkit.model.compile import compile_model
from dlkit.model.groups import set_trainable
from dlkit.model.start_weights import load_start_weights
from dlkit.model.transfer import create_network
from dlkit.recipe import load_recipe
from dlkit.training.check import check_build

VGG16_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
VGG16_MD5 = "6d6bbae143d832006294945121d1f1fc"
VGG16_FILTERS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
VGG16_BLOCKS = (2, 2, 3, 3, 3)


def layer(name, **settings):
    return Component("layer", name, settings)


DENSE = (layer("Flatten"), layer("Dense", units=256, activation="relu"), layer("Dense", units=10))
POOLED = (layer("GlobalAveragePooling2D"), layer("Dense", units=2, activation="softmax"))


def build(size=32, channels=3, **settings):
    component = Component("model", "pretrained", settings)
    targets = TargetSpec((10,), tuple(map(str, range(10))))
    return create_network(component, ArraySpec((size, size, channels), "float32"), targets)


def counts(network, groups="all"):
    set_trainable(network, groups)
    found = count_parameters(network)
    return found["total"], found["trainable"]


@pytest.fixture(scope="module")
def vgg():
    """VGG16 for 32x32 pixels with the head of the issue."""
    return build(backbone="VGG16", weights="imagenet", head=list(DENSE))


def vgg_layers():
    """VGG16's convolutions in order: name, kernel and bias with values that tell them apart."""
    draw, before, filters = np.random.default_rng(0), 3, iter(VGG16_FILTERS)
    for block, count in enumerate(VGG16_BLOCKS, 1):
        for number in range(1, count + 1):
            width = next(filters)
            kernel = draw.normal(0, np.sqrt(2 / 9 / before), (3, 3, before, width)).astype("float32")
            yield f"block{block}_conv{number}", kernel, np.full(width, block / 100, "float32")
            before = width


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory):
    """A file of the name, layout and shapes of the official one: groups by layer, those without weights included."""
    path = tmp_path_factory.mktemp("keras") / "models" / VGG16_FILE
    path.parent.mkdir()
    with h5py.File(path, "w") as file:
        names = []
        for name, kernel, bias in vgg_layers():
            if name.endswith("conv1") and names:
                names.append(f"block{int(name[5]) - 1}_pool")
                file.create_group(names[-1]).attrs["weight_names"] = np.array([], "S1")
            names.append(name)
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}_W_1:0".encode(), f"{name}_b_1:0".encode()]
            group.create_dataset(f"{name}_W_1:0", data=kernel)
            group.create_dataset(f"{name}_b_1:0", data=bias)
        file.attrs["layer_names"] = [name.encode() for name in ["input_1", *names]]
        file.create_group("input_1").attrs["weight_names"] = np.array([], "S1")
    return path


def test_vgg16_has_the_counts_of_the_table(vgg):
    assert counts(vgg) == (14_848_586, 14_848_586)
    assert counts(vgg, ["head"]) == (14_848_586, 133_898)
    assert counts(vgg, ["block5", "head"]) == (14_848_586, 7_213_322)
    assert counts(vgg, ["backbone"]) == (14_848_586, 14_714_688)
    assert counts(vgg, ["block4", "block5", "head_dense_1"]) == (14_848_586, 5_899_776 + 7_079_424 + 2_570)
    assert [item.name for item in vgg.layers] == ["inputs", "backbone", "head_flatten", "head_dense", "head_dense_1"]


def test_vgg16_for_150_pixels_has_the_counts_of_the_table():
    head = [layer("Flatten"), layer("Dense", units=256), layer("Dropout", rate=0.5), layer("Dense", units=1)]
    network = build(150, backbone="VGG16", head=head)
    assert counts(network) == (16_812_353, 16_812_353)
    assert counts(network, ["head"]) == (16_812_353, 2_097_665)
    assert counts(network, ["block5", "head"]) == (16_812_353, 9_177_089)


@pytest.mark.parametrize(
    ("settings", "total", "head"),
    [
        ({"backbone": "MobileNetV2", "alpha": 0.35}, 410_208 + 2_562, 2_562),
        ({"backbone": "ResNet50"}, 23_587_712 + 4_098, 4_098),
    ],
)
def test_other_backbones_have_the_counts_that_follow(settings, total, head):
    network = build(head=list(POOLED), **settings)
    assert counts(network, ["head"]) == (total, head)


def test_pooling_of_the_application_is_a_vector():
    network = build(backbone="VGG19", pooling="avg", head=[layer("Dense", units=10)])
    assert network.get_layer("backbone").output.shape == (None, 512)
    assert counts(network) == (20_024_384 + 5_130,) * 2


@pytest.fixture(scope="module")
def mobilenet_file(tmp_path_factory):
    """Weights of MobileNetV2 with running statistics that are no longer 0 and 1, in Keras' older layout."""
    network = keras.applications.MobileNetV2(weights=None, include_top=False, alpha=0.35, input_shape=(32, 32, 3))
    draw = np.random.default_rng(1)
    for weight in network.weights:
        weight.assign(weight + draw.uniform(0, 0.1, weight.shape))
    path = tmp_path_factory.mktemp("weights") / "mobilenet.h5"
    network.save_weights(path.with_suffix(".weights.h5"))
    keras.src.legacy.saving.legacy_h5_format.save_weights_to_hdf5_group(file := h5py.File(path, "w"), network)
    file.close()
    return path, [weight.numpy() for weight in network.weights]


def load(network):
    network.__dict__["_dlkit_start_weights"]()


def test_weights_come_from_files_of_both_layouts(mobilenet_file):
    path, values = mobilenet_file
    network = build(backbone="MobileNetV2", alpha=0.35, weights=str(path), head=list(POOLED))
    load(network)
    for weight, value in zip(network.get_layer("backbone").weights, values, strict=True):
        np.testing.assert_array_equal(weight, value)
    backbone = keras.applications.MobileNetV2(weights=None, include_top=False, alpha=0.35, input_shape=(32, 32, 3))
    load_weight_file(backbone, path.with_suffix(".weights.h5"))
    np.testing.assert_array_equal(backbone.weights[0], values[0])
    wider = keras.applications.MobileNetV2(weights=None, include_top=False, alpha=0.5, input_shape=(32, 32, 3))
    with pytest.raises(
        InputError, match=r"does not contain this network's weights: layers/.* needs .*, but the file has"
    ):
        load_weight_file(wider, path.with_suffix(".weights.h5"))


@pytest.mark.parametrize("group", ["layers", "layers/dense", "layers/dense/vars", "layers/dense/vars/1"])
def test_a_file_without_a_group_is_refused_in_one_message(tmp_path, group):
    """Keras warns of groups that are missing before it raises."""
    network = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, name="dense"), keras.layers.Dense(2, name="last")]
    )
    network.save_weights(tmp_path / "x.weights.h5")
    with h5py.File(tmp_path / "x.weights.h5", "r+") as file:
        del file[group]
    with pytest.raises(InputError, match="does not contain this network's weights"):
        load_weight_file(network, tmp_path / "x.weights.h5")


def test_batch_norm_of_a_pretrained_backbone_stays_in_inference_mode(mobilenet_file):
    """Keras hands training=True on to nested models, also to those called with training=False."""
    path, _ = mobilenet_file
    network = build(backbone="MobileNetV2", alpha=0.35, weights=str(path), head=list(POOLED))
    load(network)
    before = [np.array(weight) for weight in network.get_layer("backbone").non_trainable_weights]
    images = np.random.default_rng(0).uniform(-1, 1, (4, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(network(images, training=True), network(images, training=False), atol=1e-6)
    for weight, value in zip(network.get_layer("backbone").non_trainable_weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert len(network.get_layer("backbone").trainable_weights) == 156  # scales and shifts can be fine-tuned


def test_a_backbone_without_weights_learns_its_statistics():
    network = build(backbone="MobileNetV2", alpha=0.35, head=list(POOLED))
    mean = network.get_layer("backbone").get_layer("bn_Conv1").moving_mean
    before = np.array(mean)
    network(np.random.default_rng(0).uniform(0, 1, (4, 32, 32, 3)).astype("float32"), training=True)
    assert not np.array_equal(mean, before)


def test_the_official_vgg16_file_is_taken_from_the_cache_of_keras(vgg, vgg_file, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(vgg_file.parents[1]))
    monkeypatch.setenv("DLKIT_OFFLINE", "1")
    with pytest.raises(InputError, match=f"is not the file that Keras published: its MD5 is .*, not {VGG16_MD5}"):
        load(vgg)
    monkeypatch.setattr(_imagenet, "checksum", lambda path, expected: expected)
    load(vgg)
    for name, kernel, bias in vgg_layers():
        found = vgg.get_layer("backbone").get_layer(name)
        np.testing.assert_array_equal(found.kernel, kernel)
        np.testing.assert_array_equal(found.bias, bias)


def test_offline_without_the_file_one_message_says_what_to_get(vgg, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("DLKIT_OFFLINE", "1")
    monkeypatch.setattr(_imagenet, "network_reachable", lambda host: pytest.fail("a name was looked up"))
    with pytest.raises(MissingError) as caught:
        load(vgg)
    (problem,) = caught.value.problems
    for part in (VGG16_FILE, VGG16_MD5, "58.9 MB", str(tmp_path / "models"), "--offline forbids"):
        assert part in problem.message
    assert str(tmp_path / "models" / VGG16_FILE) in problem.hint
    monkeypatch.setenv("DLKIT_OFFLINE", "")
    monkeypatch.setattr(_imagenet, "network_reachable", lambda host: False)
    with pytest.raises(MissingError, match="no network can be reached"):
        load(vgg)


def test_a_download_is_checked_and_whole(vgg, vgg_file, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("DLKIT_OFFLINE", "")
    monkeypatch.setattr(_imagenet, "network_reachable", lambda host: True)
    monkeypatch.setattr("dlkit.files.downloads.urlopen", lambda origin, timeout: vgg_file.open("rb"))
    with pytest.raises(MissingError, match=f"the download of {VGG16_FILE} failed: .*its MD5 is not {VGG16_MD5}"):
        load(vgg)
    assert list((tmp_path / "models").iterdir()) == []
    monkeypatch.setattr("dlkit.files.downloads.checksum", lambda path, expected: expected)
    load(vgg)
    assert (tmp_path / "models" / VGG16_FILE).read_bytes() == vgg_file.read_bytes()


@pytest.mark.parametrize("name", ["VGG19", "MobileNetV2"])
def test_weights_of_another_net_name_the_first_layer_that_does_not_fit(name, vgg_file):
    network = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(32, 32, 3))
    misfit = {
        "VGG19": "layer 'block3_conv4' needs 3x3x256x256 and 256, but 'block4_conv1' in the file has "
        "3x3x256x512 and 512",
        "MobileNetV2": "layer 'Conv1' needs 3x3x3x32, but 'block1_conv1' in the file has 3x3x3x64 and 64",
    }
    before = network.get_weights()
    with pytest.raises(InputError, match=misfit[name]):
        load_weight_file(network, vgg_file)
    for weight, value in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_dangerous_missing_and_other_files_are_refused(vgg, vgg_file, tmp_path):
    with pytest.raises(MissingError, match="no such file"):
        load_weight_file(vgg, tmp_path / "none.h5")
    (tmp_path / "weights.bin").write_bytes(b"")
    with pytest.raises(InputError, match="is not a weight file"):
        load_weight_file(vgg, tmp_path / "weights.bin")
    (tmp_path / "cut.h5").write_bytes(vgg_file.read_bytes()[:5000])
    with pytest.raises(InputError, match="not a readable HDF5"):
        load_weight_file(vgg, tmp_path / "cut.h5")
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file["block1_conv1"] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(InputError, match="not safe to open"):
        load_weight_file(vgg, tmp_path / "linked.h5")


def test_fewer_and_more_layers_than_the_file_has():
    one, two = [("a", [[1]])], [("a", [[1]]), ("b", [[2]])]
    assert _weight_files._first_other(two, one) == "layer 'b' is not in the file, which has only 1 layers with weights"
    assert _weight_files._first_other(one, two) == "the file contains 'b', which this network does not have"
    assert _weight_files._first_other(two, two) == ""
    assert _weight_files._first_array({"/a": [1]}, {}) == "a is not in the file"
    assert _weight_files._first_array({"/a": []}, {"/a": [1]}) == "a needs a scalar, but the file has 1"
    assert (
        _weight_files._first_array({"/a": [1]}, {"/a": [1], "/b": [2]})
        == "the file contains b, which this network does not have"
    )
    assert _weight_files._first_array({"/a": [1]}, {"/a": [1], "/optimizer/vars/0": [2]}) == ""


def test_long_lists_of_names_are_split_by_keras(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["layer_names0"], file.attrs["layer_names1"] = [b"a"], [b"b"]
        assert _weight_files._names(file, "layer_names") == ["a", "b"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone": "VGG16", "size": 16}, "VGG16 cannot take images of shape .* at least 32x32"),
        ({"backbone": "InceptionV3", "size": 64}, "at least 75x75"),
        ({"backbone": "VGG16", "channels": 1, "weights": "imagenet"}, "3 channels, but the images have 1"),
        ({"backbone": "VGG16", "alpha": 0.5}, "VGG16 has no alpha"),
        ({}, "has no backbone"),
        ({"weights": {"run": "x"}}, "need run and upto"),
        ({"weights": {"run": "x", "up": "y"}}, "unknown key 'up' in weights"),
        ({"backbone": "VGG16", "weights": {"run": "x", "upto": "y"}}, "backbone and weights: .* exclude each other"),
    ],
)
def test_settings_that_do_not_go_together(settings, message):
    with pytest.raises(InputError, match=message):
        build(head=list(POOLED), **settings)


def test_a_run_that_is_not_there_is_named():
    with pytest.raises(MissingError, match="cannot find the run 'nothing_here', whose first layers"):
        build(head=list(POOLED), weights={"run": "nothing_here", "upto": "conv2d"})


def test_head_layers_keep_the_names_that_the_recipe_gives():
    head = [
        layer("Flatten"),
        Component("layer", "Dense", {"units": 3, "name": "hidden"}),
        layer("Dense", units=2),
        layer("Dense", units=2),
    ]
    network = build(backbone="MobileNetV2", alpha=0.35, head=head)
    assert [item.name for item in network.layers[2:]] == ["head_flatten", "head_hidden", "head_dense", "head_dense_1"]


RECIPE = """
recipe: 1
name: transfer
task: classification
data:
  source: {declared: {shape: [32, 32, 3], classes: 2}}
  preprocess: [{ApplicationPreprocessing: {backbone: MobileNetV2}}]
model:
  pretrained:
    backbone: MobileNetV2
    alpha: 0.35
    weights: nowhere.h5
    head:
      - GlobalAveragePooling2D
      - Dense: {units: 2, activation: softmax}
training:
  epochs: 2
  optimizer: Adam
  phases:
    - {trainable: [head]}
    - {trainable: [block_16, head], learning_rates: {block_16: 1e-5}}
"""


def loaded(tmp_path, *changes):
    text = RECIPE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "transfer.yaml").write_text(text)
    return load_recipe(tmp_path / "transfer.yaml")


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "hint"),
    [
        ("[block_16, head]", "[blok_16, head]", 21, "no layer with weights named 'blok_16'", "mean 'block_16'"),
        ("{block_16: 1e-5}", "{backbon: 1e-5}", 21, "no layer with weights named 'backbon'", "mean 'backbone'"),
        ("{block_16: 1e-5}", "{block_15: 1e-5}", 21, "'block_15' has no trained weights here", "remove its"),
        ("[32, 32, 3]", "[16, 16, 3]", 9, "at least 32x32", "data.resize"),
    ],
)
def test_mistakes_are_one_message_with_their_place(tmp_path, old, new, line, message, hint):
    with pytest.raises(InputError) as caught:
        check_build(loaded(tmp_path, (old, new)))
    (problem,) = caught.value.problems
    assert message in problem.message
    assert hint in problem.hint
    assert problem.location.line == line


def test_a_misspelt_backbone_is_found_without_building(tmp_path):
    with pytest.raises(RecipeError) as caught:
        loaded(tmp_path, ("    backbone: MobileNetV2\n", "    backbone: MobilNetV2\n"))
    (problem,) = caught.value.problems
    assert "'MobilNetV2'" in problem.message
    assert "did you mean 'MobileNetV2'" in problem.hint


def test_missing_weights_point_to_the_recipe_and_only_training_reads_them(tmp_path):
    recipe = loaded(tmp_path)
    built = build_model(
        recipe.recipe, Description(ArraySpec((32, 32, 3), "float32"), ArraySpec((), "int64"), ("a", "b"))
    )
    compile_model(built, recipe.recipe)
    with pytest.raises(MissingError, match=r"no such file: nowhere\.h5") as caught:
        load_start_weights(built.network, recipe)
    assert caught.value.problems[0].location.line == 12


MODULES = {
    **dict.fromkeys(("VGG16", "VGG19"), "vgg16"),
    **dict.fromkeys(("DenseNet121", "DenseNet169", "DenseNet201"), "densenet"),
    **dict.fromkeys(("NASNetMobile", "NASNetLarge"), "nasnet"),
    **{"InceptionV3": "inception_v3", "InceptionResNetV2": "inception_resnet_v2", "Xception": "xception"},
    **{"MobileNet": "mobilenet", "MobileNetV2": "mobilenet_v2"},
    **{f"MobileNetV3{size}": "mobilenet_v3" for size in ("Small", "Large")},
    **{f"ResNet{depth}": "resnet" for depth in (50, 101, 152)},
    **{f"ResNet{depth}V2": "resnet_v2" for depth in (50, 101, 152)},
    **{f"ConvNeXt{size}": "convnext" for size in ("Tiny", "Small", "Base", "Large", "XLarge")},
    **{f"EfficientNetB{number}": "efficientnet" for number in range(8)},
    **{f"EfficientNetV2{size}": "efficientnet_v2" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")},
}


@pytest.mark.parametrize("name", sorted(get_args(Application)))
def test_pixels_are_prepared_exactly_as_keras_does(name):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3)).astype("uint8")
    module = getattr(keras.applications, MODULES[name])
    expected = module.preprocess_input(keras.ops.convert_to_tensor(pixels.astype("float32")))
    found = ApplicationPreprocessing(backbone=name)(pixels)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == "float32"


def test_preprocessing_wants_three_channels():
    with pytest.raises(ValueError, match=r"VGG16 needs images \(height, width, 3\)"):
        ApplicationPreprocessing(backbone="VGG16")(np.zeros((1, 4, 4, 1), "uint8"))
