"""TensorFlow Datasets: prepared by the library itself from real digits, described by its JSON, decoded once."""

import shutil
import tempfile
from typing import ClassVar

import numpy as np
import pytest
import tensorflow_datasets as tfds

from dlkit.components.datasets import tfds as module
from dlkit.components.datasets._masks import class_indices
from dlkit.components.datasets.digits import Digits
from dlkit.components.datasets.tfds import Tfds
from dlkit.data.source import build_dataset, describe
from dlkit.errors import InputError, MissingError
from dlkit.interfaces.data import ArraySpec
from dlkit.media.images import ImageResizer
from dlkit.recipe import load_recipe
from dlkit.training.check import check_build
from dlkit.training.prepare import prepare

WRONG_NAMES = [
    {"name": name} for name in ("../x", "tiny digits", "MNIST", "mnist:latest", "huggingface:mnist", "mnist:3")
]
EXAMPLES = {"train": 30, "test": 12}


class TinyDigits(tfds.core.GeneratorBasedBuilder):
    """Some of scikit-learn's digits, with their mean brightness as a second feature."""

    VERSION = tfds.core.Version("1.2.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(8, 8, 1)),
            "label": tfds.features.ClassLabel(names=[f"digit {n}" for n in range(10)]),
            "brightness": tfds.features.Scalar(dtype=np.float32),
            "ink": tfds.features.Image(shape=(None, None, 1)),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label")
        )

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(name) for name in EXAMPLES}

    def _generate_examples(self, split):
        source = Digits().load(split, None)
        for index in range(EXAMPLES[split]):
            image = source.inputs[index]
            ink = (image > 127).astype(np.uint8) + 1
            features = {"image": image, "label": int(source.targets[index]), "ink": ink}
            yield index, features | {"brightness": np.float32(image.mean())}


class TinyWords(tfds.core.GeneratorBasedBuilder):
    """Two configurations: numbers, the default, and text; without a test split."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS: ClassVar = [tfds.core.BuilderConfig(name=name) for name in ("counts", "text")]

    def _info(self):
        counts = self.builder_config.name == "counts"
        words = tfds.features.Tensor(shape=(2,), dtype=np.int64) if counts else tfds.features.Text()
        features = {"words": words, "label": tfds.features.ClassLabel(names=["bad", "good"])}
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("words", "label")
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for index, word in enumerate(["bad", "good", "good"]):
            words = [index, 1] if self.builder_config.name == "counts" else word
            yield index, {"words": words, "label": word}


class LateNames(TinyDigits):
    """Names its classes only when it has been downloaded, like cifar10."""

    def _info(self):
        features = {"image": tfds.features.Image(shape=(8, 8, 1)), "label": tfds.features.ClassLabel(num_classes=10)}
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label")
        )

    def _split_generators(self, dl_manager):
        self.info.features["label"].names = [f"digit {n}" for n in range(10)]
        return {name: self._generate_examples(name) for name in EXAMPLES}

    def _generate_examples(self, split):
        for index, features in super()._generate_examples(split):
            yield index, {name: features[name] for name in ("image", "label")}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    for name in ("tiny_digits", "tiny_words/counts", "tiny_words/text"):
        tfds.builder(name, data_dir=str(folder)).download_and_prepare()
    return folder


@pytest.fixture
def place(prepared, monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    monkeypatch.setenv("DLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLKIT_OFFLINE", "")
    return prepared


def images_by_brightness(inputs):
    return sorted(image.tobytes() for image in inputs)


def test_the_supervised_pair_is_taken_and_decoded_once(place, monkeypatch):
    dataset = Tfds(name="tiny_digits")
    description = dataset.describe()
    assert (description.inputs.shape, description.inputs.dtype) == ((8, 8, 1), "uint8")
    assert description.class_names == tuple(f"digit {n}" for n in range(10))
    assert dict(description.splits) == EXAMPLES
    dataset.check_present()
    first = dataset.load("train", None)
    assert images_by_brightness(first.inputs) == images_by_brightness(Digits().load("train", None).inputs[:30])
    assert sorted(first.targets) == sorted(Digits().load("train", None).targets[:30])
    monkeypatch.setattr(Tfds, "_decode", lambda *_: pytest.fail("decoded twice"))
    np.testing.assert_array_equal(Tfds(name="tiny_digits").load("train", None).inputs, first.inputs)


def test_images_are_resized_before_they_are_cached(place):
    small = Tfds(name="tiny_digits", version="1.2.0").load("test", ImageResizer(4, 4, "bilinear", False))
    assert (small.inputs.shape, small.inputs.dtype) == ((12, 4, 4, 1), np.uint8)


def test_other_features_can_be_named(place):
    dataset = Tfds(name="tiny_digits", target="brightness")
    assert (dataset.describe().targets.shape, dataset.describe().class_names) == ((1,), ())
    split = dataset.load("test", None)
    np.testing.assert_allclose(split.targets, split.inputs.mean((1, 2, 3)), rtol=1e-6)
    with pytest.raises(InputError, match="has no feature 'lable'") as caught:
        Tfds(name="tiny_digits", target="lable").describe()
    assert "did you mean 'label'" in caught.value.problems[0].hint
    with pytest.raises(InputError, match="feature 'label' of tfds tiny_digits is not an array"):
        Tfds(name="tiny_digits", input="label").describe()
    with pytest.raises(InputError, match="no split 'dev'"):
        dataset.load("dev", None)


def test_without_a_prepared_folder_the_library_describes_and_prepares(place, monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "empty"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    dataset = Tfds(name="tiny_digits")
    assert dataset.describe().inputs.shape == (8, 8, 1)
    assert list((tmp_path / "temporary").iterdir()) == []  # the library leaves an empty folder each time
    assert dataset.describe().class_names[3] == "digit 3"
    with pytest.raises(MissingError, match=r"the dataset 'tiny_digits' is not in .*empty"):
        dataset.check_present()
    monkeypatch.setattr(module, "_network_reachable", lambda: False)
    with pytest.raises(MissingError, match="no network can be reached"):
        dataset.load("test", None)
    monkeypatch.setattr(module, "_network_reachable", lambda: True)
    assert len(dataset.load("test", None)) == 12
    dataset.check_present()


def test_a_training_that_downloads_its_data_has_the_names_of_the_classes(place, monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "empty"))
    monkeypatch.setattr(module, "_network_reachable", lambda: True)
    settings = ["data.source={tfds: {name: late_names}}", "data.validation=none", "expect={}"]
    some = load_recipe("digits_mlp", [*settings, "data.classes=[digit 7, digit 0]"]).recipe
    assert describe(some, build_dataset(some)).class_names == ("digit 7", "digit 0")  # unknown before the download
    weights = "task={classification: {class_weights: {digit 7: 2, digitt 0: 3}}}"
    check_build(load_recipe("digits_mlp", [*settings, weights]))  # so is what class_weights name
    with pytest.raises(InputError, match="there is no class 'digitt 0'"):
        prepare(load_recipe("digits_mlp", [*settings, weights]))
    assert prepare(load_recipe("digits_mlp", settings)).built.class_names == tuple(f"digit {n}" for n in range(10))
    assert set(build_dataset(some).load("train", None).targets) == {0, 1}


def test_a_download_that_fails_is_one_message(place, monkeypatch, tmp_path):
    def fail(*_):
        raise RuntimeError("the server is gone\nand so on")

    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "empty"))
    monkeypatch.setattr(module, "_network_reachable", lambda: True)
    monkeypatch.setattr(TinyDigits, "download_and_prepare", fail)
    with pytest.raises(MissingError, match=r"its download failed: the server is gone$"):
        Tfds(name="tiny_digits").load("train", None)


def test_offline_and_misspelt_names(place, monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("DLKIT_OFFLINE", "1")
    with pytest.raises(MissingError, match="--offline forbids the download") as caught:
        Tfds(name="tiny_digits").load("train", None)
    assert f"copy a prepared folder to {tmp_path / 'empty' / 'tiny_digits'}" in caught.value.problems[0].hint
    for name, reason in [
        ("tiny_digits:9.0.0", r"9\.0\.0, only: 1\.2\.0"),
        ("tiny_words/x", "BuilderConfig x not found"),
    ]:
        with pytest.raises(InputError, match=f"tfds cannot open '{name}': .*{reason}"):
            Tfds(name=name).describe()
    with pytest.raises(InputError, match="tfds has no dataset 'tiny_digit'") as caught:
        Tfds(name="tiny_digit").describe()
    assert "did you mean 'tiny_digits'" in caught.value.problems[0].hint


def test_a_name_that_cannot_be_looked_up_means_no_network(monkeypatch):
    def refuse(*_):
        raise OSError("no such name")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    assert module._network_reachable() is False
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: [])
    assert module._network_reachable() is True


def test_a_feature_of_pixels_is_a_mask_when_its_classes_are_named(place):
    dataset = Tfds(name="tiny_digits", target="ink", class_names=["paper", "ink"], values=[1, 2])
    description = dataset.describe()
    assert (description.targets.shape, description.class_names) == ((None, None), ("paper", "ink"))
    train = dataset.load("train", None)
    np.testing.assert_array_equal(train.targets, train.inputs[..., 0] > 127)
    large = dataset.load("train", ImageResizer(16, 16, "bilinear", crop_to_aspect_ratio=False))
    np.testing.assert_array_equal(large.targets, np.repeat(np.repeat(train.targets, 2, axis=1), 2, axis=2))
    with pytest.raises(InputError, match="tiny_digits has labels outside the classes: 2"):
        Tfds(name="tiny_digits", target="ink", class_names=["paper", "ink"]).load("train", None)
    with pytest.raises(InputError, match="is not a mask"):
        Tfds(name="tiny_digits", target="brightness", class_names=["dark", "bright"]).describe()
    with pytest.raises(InputError, match="values are given without class_names"):
        Tfds(name="tiny_digits", target="ink", values=[1, 2])


@pytest.mark.parametrize("name", ["tiny_digits:1.2.0", "tiny_digits:1.*.*", "tiny_digits:*.*.*"])
def test_a_name_may_contain_the_version(place, name):
    assert dict(Tfds(name=name).describe().splits) == EXAMPLES
    assert len(Tfds(name=name).load("test", None)) == EXAMPLES["test"]


def test_the_newest_version_is_taken_by_its_numbers(place, monkeypatch, tmp_path):
    for version in ("1.2.0", "1.10.0"):
        shutil.copytree(place / "tiny_digits" / "1.2.0", tmp_path / "tiny_digits" / version)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert Tfds(name="tiny_digits")._folder == tmp_path / "tiny_digits" / "1.10.0"
    assert Tfds(name="tiny_digits", version="1.2.*")._folder == tmp_path / "tiny_digits" / "1.2.0"


def test_a_version_that_is_not_there_names_those_that_are(place):
    for settings in ({"name": "tiny_digits:3.0.0"}, {"name": "tiny_digits", "version": "3.0.0"}):
        with pytest.raises(MissingError, match=r"the dataset 'tiny_digits:3\.0\.0' is not in") as caught:
            Tfds(**settings).check_present()
        assert caught.value.problems[0].hint.startswith("versions there: 1.2.0; ways to supply it")
    for settings in ({"name": "tiny_digits:1.2.0", "version": "1.2.0"}, *WRONG_NAMES):
        with pytest.raises(InputError, match="is not the name of a dataset") as caught:
            Tfds(**settings)
        assert "mnist, glue/sst2, mnist:3.0.1 or mnist:3.*.*" in caught.value.problems[0].hint


def test_configurations_are_named_or_the_default_of_the_library(place, monkeypatch, tmp_path):
    for name in ("tiny_words", "tiny_words/counts", "tiny_words/counts:1.0.0"):
        split = Tfds(name=name).load("train", None)
        assert sorted(split.inputs.tolist()) == [[0, 1], [1, 1], [2, 1]]
        assert sorted(split.targets) == [0, 1, 1]
    shutil.copytree(place / "tiny_words" / "text", tmp_path / "tiny_words" / "text")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(InputError, match="'tiny_words' has the configurations text") as caught:
        Tfds(name="tiny_words").check_present()
    assert caught.value.problems[0].hint == "name one of them: tiny_words/text"


def test_a_text_is_an_input(place, monkeypatch, tmp_path):
    split = Tfds(name="tiny_words/text").load("train", None)
    found = sorted(zip(split.inputs[:].tolist(), split.targets.tolist(), strict=True))
    assert found == [(b"bad", 0), (b"good", 1), (b"good", 1)]
    for folder in (place, tmp_path / "empty"):
        monkeypatch.setenv("TFDS_DATA_DIR", str(folder))
        assert Tfds(name="tiny_words/text").describe().inputs == ArraySpec((), "string")


def test_splits_that_are_not_there(place):
    with pytest.raises(InputError, match="no split 'test'") as caught:
        Tfds(name="tiny_words").load("test", None)
    assert caught.value.problems[0].hint == "its splits are: train"
    with pytest.raises(InputError, match=r"no split 'train\[80%:\]'") as caught:
        Tfds(name="tiny_digits").load("train[80%:]", None)
    assert "data.validation: {fraction: 0.2}" in caught.value.problems[0].hint


def test_masks_of_wide_or_broken_numbers_do_not_wrap(place):
    with pytest.raises(InputError, match="labels outside the classes: 4294967297"):
        class_indices(np.array([[2**32 + 1]]), None, [], 2, "mask")
    with pytest.raises(InputError, match="mask is float64"):
        class_indices(np.array([[0.7]]), None, [], 2, "mask")
