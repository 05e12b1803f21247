"""One contract for every dataset: describe() says what load() gives; then what is special about each."""

import shutil

import numpy as np
import pytest
from PIL import Image

from dlkit.components.datasets.arrays import Arrays
from dlkit.components.datasets.csv import Csv
from dlkit.components.datasets.declared import Declared
from dlkit.components.datasets.digits import Digits
from dlkit.components.datasets.image_folder import ImageFolder
from dlkit.components.datasets.inline import Inline
from dlkit.errors import InputError, MissingError
from dlkit.media.images import ImageResizer

RESIZE = ImageResizer(8, 8, "bilinear", crop_to_aspect_ratio=False)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def pictures(tmp_path):
    """Real digits as PNG files of different sizes, 10 of each of two classes."""
    source = Digits().load("train", None)
    for label in (0, 1):
        folder = tmp_path / "photos" / f"digit {label}"
        folder.mkdir(parents=True)
        for index, image in enumerate(source.inputs[source.targets == label][:10]):
            Image.fromarray(image[..., 0]).resize((8 + index, 9)).convert("RGB").save(folder / f"{index}.png")
    return tmp_path / "photos"


@pytest.fixture
def table(tmp_path):
    rows = ["width,height,kind"] + [f"{i},{i * 2},{'big' if i > 9 else 'small'}" for i in range(20)]
    (tmp_path / "table.csv").write_text("\n".join(rows))
    return str(tmp_path / "table.csv")


def assert_keeps_contract(dataset, resize=None):
    description = dataset.describe()
    for name, count in description.splits.items():
        split = dataset.load(name, resize)
        assert len(split) == len(split.targets) == count
        assert str(split.inputs.dtype) == description.inputs.dtype
        sizes = zip(split.inputs.shape[1:], description.inputs.shape, strict=True)
        assert resize or all(expected in (None, size) for size, expected in sizes)
        assert split.targets.shape[1:] == description.targets.shape
        if description.class_names:
            assert split.targets.dtype == np.int64
            assert 0 <= split.targets.min() <= split.targets.max() < len(description.class_names)
    with pytest.raises(InputError, match="no split 'other'"):
        dataset.load("other", resize)


def test_digits():
    assert_keeps_contract(Digits())
    train, test = Digits().load("train", None), Digits().load("test", None)
    assert (len(train), len(test)) == (1437, 360)
    assert train.inputs.max() == 255
    again = Digits().load("test", None)
    np.testing.assert_array_equal(test.inputs, again.inputs)
    assert not np.array_equal(Digits(seed=1).load("test", None).targets, test.targets)


def test_inline():
    values = Inline(rows=[[1, 2, 0.5], [3, 4, 1.5]])
    assert_keeps_contract(values)
    assert values.load("train", None).targets.tolist() == [[0.5], [1.5]]
    classes = Inline(rows=[[1, 2, 0], [3, 4, 1]], classes=2)
    assert_keeps_contract(classes)
    assert classes.load("train", None).inputs.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(InputError, match="inline target 2 is not a class index"):
        Inline(rows=[[1, 2]], classes=2)
    with pytest.raises(InputError, match=r"received lengths \[2, 3\]"):
        Inline(rows=[[1, 2], [1, 2, 3]])


def test_declared_has_no_data():
    dataset = Declared(shape=[227, 227, 3], classes=1000)
    assert dataset.describe().inputs.dtype == "uint8"
    assert len(dataset.describe().class_names) == 1000
    with pytest.raises(MissingError, match="only the shape"):
        dataset.load("train", None)


def test_arrays_from_npz_and_npy(tmp_path):
    x, y = np.arange(24, dtype=np.float32).reshape(6, 4), np.array([0, 1, 2, 0, 1, 2])
    np.savez(tmp_path / "train.npz", x=x, y=y)
    assert_keeps_contract(Arrays(train=str(tmp_path / "train.npz"), classes=3))
    np.save(tmp_path / "x_train.npy", x)
    np.save(tmp_path / "y_train.npy", x[:, 0])
    values = Arrays(directory=str(tmp_path))
    assert_keeps_contract(values)
    assert values.load("train", None).targets.tolist() == [[0], [4], [8], [12], [16], [20]]
    with pytest.raises(InputError, match="labels from 0 to 2"):
        Arrays(train=str(tmp_path / "train.npz"), classes=2).describe()
    with pytest.raises(MissingError, match=r"no such file: .*absent\.npz"):
        Arrays(train=str(tmp_path / "absent.npz")).describe()


def test_arrays_names_a_file_that_is_none(tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"bad\.npz is not a readable \.npz file"):
        Arrays(train=str(tmp_path / "bad.npz"), classes=3).describe()
    np.savez(tmp_path / "names.npz", images=np.zeros(3))
    with pytest.raises(InputError, match="has no array x and no array y"):
        Arrays(train=str(tmp_path / "names.npz"), classes=3).describe()


def test_csv(table):
    dataset = Csv(file=table, target="kind", test_fraction=0.2)
    assert_keeps_contract(dataset)
    assert dataset.describe().class_names == ("big", "small")
    assert np.bincount(dataset.load("test", None).targets).tolist() == [2, 2]
    one = Csv(file=table, target="height", features=["width"], kind="values")
    assert_keeps_contract(one)
    assert one.load("train", None).targets[3].tolist() == [6.0]
    with pytest.raises(InputError, match="no column 'hight'") as caught:
        Csv(file=table, target="hight").describe()
    assert "did you mean 'height'" in caught.value.problems[0].hint
    with pytest.raises(InputError, match=r"table\.csv:2: column 'kind' contains text, such as 'small'"):
        Csv(file=table, target="width", kind="values").describe()


def test_image_folder(pictures):
    dataset = ImageFolder(directory=str(pictures))
    assert_keeps_contract(dataset, RESIZE)
    assert dataset.describe().class_names == ("digit 0", "digit 1")
    assert dataset.describe().splits == {"train": 16, "test": 4}
    with pytest.raises(InputError, match="different sizes"):
        dataset.load("train", None)


def test_image_folder_with_split_folders(pictures):
    (pictures.parent / "split").mkdir()
    for name in ("train", "val"):
        shutil.copytree(pictures, pictures.parent / "split" / name)
    dataset = ImageFolder(directory=str(pictures.parent / "split"))
    assert dataset.describe().splits == {"train": 20, "validation": 20}


def test_image_folder_names_what_is_wrong(pictures, tmp_path):
    bad = pictures / "digit 0" / "bad.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"bad\.png is not a readable image"):
        ImageFolder(directory=str(pictures), test_fraction=0).load("train", RESIZE)
    bad.unlink()
    (pictures / "empty").mkdir()
    with pytest.raises(MissingError, match="no images in"):
        ImageFolder(directory=str(pictures)).describe()
    with pytest.raises(MissingError, match="no such folder"):
        ImageFolder(directory=str(tmp_path / "nowhere")).describe()
