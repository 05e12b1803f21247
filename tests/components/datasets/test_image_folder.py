"""Folders of images as people have them: split folders under many names, litter, links, and what is not read."""

import shutil

import numpy as np
import pytest
from PIL import Image

from dlkit.components.datasets.image_folder import ImageFolder
from dlkit.errors import InputError, MissingError
from dlkit.media.images import ImageResizer

RESIZE = ImageResizer(8, 8, "bilinear", crop_to_aspect_ratio=False)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("DLKIT_CACHE", str(tmp_path_factory.mktemp("cache")))


def fill(folder, classes=("a", "b"), count=4):
    """Class folders, each with images of its own grey level."""
    for level, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            Image.new("L", (9, 9), 40 + 100 * level).save(folder / name / f"{index}.png")


def source(folder, **settings):
    return ImageFolder(directory=str(folder), channels=1, test_fraction=0, **settings)


@pytest.mark.parametrize(
    ("train", "other", "split"),
    [
        ("Train", "Test", "test"),
        ("Training", "Testing", "test"),
        ("TRAIN", "VAL", "validation"),
        ("seg_train", "seg_test", "test"),
        ("training_set", "test_set", "test"),
        ("train", "valid", "validation"),
        ("train", "dev", "validation"),
        ("train2017", "val2017", "validation"),
    ],
)
def test_usual_names_of_splits(tmp_path, train, other, split):
    fill(tmp_path / train, count=4)
    fill(tmp_path / other, count=2)
    found = source(tmp_path).describe()
    assert found.class_names == ("a", "b")
    assert found.splits == {"train": 8, split: 4}


@pytest.mark.parametrize(
    ("folders", "text"),
    [
        (("train", "val", "valid"), "two folders for validation: val and valid"),
        (("Train", "train"), "two folders for train: Train and train"),
        (("train", "test", "cats"), "test, train, named after splits, and beside them cats"),
        (("test", "cats", "dogs"), "test, named after splits, and beside them cats, dogs"),
        (("val", "test"), "test, val but no train folder"),
    ],
)
def test_folders_that_could_mean_two_things_are_refused(tmp_path, folders, text):
    for name in folders:
        fill(tmp_path / name)
    with pytest.raises((InputError, MissingError), match=text):
        source(tmp_path).describe()


def test_classes_whose_names_contain_split_words(tmp_path):
    fill(tmp_path, classes=("test tube", "train station"))
    assert source(tmp_path).describe().splits == {"train": 8}


def test_a_folder_in_a_folder_is_suggested(tmp_path):
    fill(tmp_path / "photos")
    with pytest.raises(InputError, match=r"has 1 class folder; did you mean .*photos, which has a, b\?"):
        source(tmp_path).describe()


def test_litter_is_neither_class_nor_image(tmp_path):
    fill(tmp_path)
    for folder in ("__MACOSX", ".ipynb_checkpoints", "@eaDir", "a/.ipynb_checkpoints", "a/@eaDir"):
        fill(tmp_path / folder)
    for name in ("._0.png", ".hidden.png", "Thumbs.db", "desktop.ini", ".DS_Store"):
        (tmp_path / name).write_bytes(b"litter")
        (tmp_path / "a" / name).write_bytes(b"litter")
    dataset = source(tmp_path)
    assert dataset.describe().class_names == ("a", "b")
    assert dataset.load("train", RESIZE).inputs[:, 0, 0, 0].tolist() == [40] * 4 + [140] * 4
    assert dataset.notes == ()


def test_what_is_not_read_is_counted(tmp_path):
    fill(tmp_path)
    for name in ("a/1.tif", "b/2.TIF", "b/notes.txt", "b/README"):
        (tmp_path / name).write_bytes(b"other")
    shutil.copy(tmp_path / "a" / "0.png", tmp_path / "loose.png")
    shutil.copy(tmp_path / "a" / "0.png", tmp_path / "a" / "more.JFIF")
    dataset = source(tmp_path)
    assert dataset.describe().splits == {"train": 9}
    others, loose = dataset.notes
    assert others.startswith(f"4 files in {tmp_path} not read: 2 .tif, 1 .txt, 1 without ending (read: .bmp, .gif")
    assert loose == f"not read: 1 images outside of the class folders, such as {tmp_path / 'loose.png'}"


def test_a_class_of_other_files_only(tmp_path):
    fill(tmp_path)
    for path in (tmp_path / "b").iterdir():
        path.rename(path.with_suffix(".tif"))
    with pytest.raises(MissingError, match=r"no images in .*b; 4 files in .*b not read: 4 \.tif"):
        source(tmp_path).describe()


def test_links(tmp_path):
    fill(tmp_path / "store")
    fill(tmp_path / "photos")
    link = tmp_path / "photos" / "a" / "more"
    for target in (tmp_path / "store" / "a", tmp_path / "photos"):
        link.symlink_to(target)
        with pytest.raises(InputError, match="a/more is a symbolic link to a folder"):
            source(tmp_path / "photos").describe()
        link.unlink()
    (tmp_path / "photos" / "a" / "copy.png").symlink_to(tmp_path / "photos" / "b" / "0.png")
    assert source(tmp_path / "photos").describe().splits == {"train": 9}
    (tmp_path / "photos" / "a" / "out.png").symlink_to(tmp_path / "store" / "a" / "0.png")
    with pytest.raises(InputError, match="symbolic link out of"):
        source(tmp_path / "photos").describe()


def test_a_validation_split_may_lack_a_class_but_have_no_other(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "val", classes=("b",))
    validation = source(tmp_path).load("validation", RESIZE)
    assert validation.targets.tolist() == [1] * 4
    (tmp_path / "test" / "a").mkdir(parents=True)
    with pytest.raises(MissingError, match=r"no images in .*test"):
        source(tmp_path).describe()
    shutil.rmtree(tmp_path / "test")
    fill(tmp_path / "test", classes=("c",))
    with pytest.raises(InputError, match="class folders that train does not have: c"):
        source(tmp_path).describe()


def test_images_are_read_as_a_viewer_shows_them(tmp_path):
    """16 bits are refused, and an orientation turns the image: one case for the whole path."""
    fill(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 3
    half = np.repeat(np.array([0, 200], np.uint8), 32).reshape(8, 8)
    Image.fromarray(half).save(tmp_path / "a" / "0.png", exif=exif)
    np.testing.assert_array_equal(source(tmp_path).load("train", RESIZE).inputs[0, ..., 0], half[::-1, ::-1])
    Image.fromarray(half.astype(np.uint16) * 257).save(tmp_path / "a" / "0.png")
    with pytest.raises(InputError, match=r"0\.png has 16 bits per channel"):
        source(tmp_path).load("train", RESIZE)


def test_a_class_of_unreadable_images_says_why(tmp_path, monkeypatch):
    fill(tmp_path)
    for path in (tmp_path / "b").iterdir():
        Image.fromarray(np.zeros((4, 4), np.uint16)).save(path)
    monkeypatch.setenv("DLKIT_SKIP_BAD", "4")
    with pytest.raises(InputError, match=r"no readable images in .*b:\n.*0\.png has 16 bits .* \(and so in 3 more: "):
        source(tmp_path).describe()
