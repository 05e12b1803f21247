"""Images paired with masks by name, the kinds of masks, and every way in which such a folder can be wrong."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from dlkit.components.datasets.image_mask_folder import ImageMaskFolder
from dlkit.errors import InputError, MissingError
from dlkit.media.images import ImageResizer

NAMES = ["paper", "ink"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def digits():
    from dlkit.components.datasets.digits import Digits

    return Digits().load("train", None).inputs[:10]


@pytest.fixture
def folder(tmp_path, digits):
    """Ten real digits, and masks of their ink as 0 and 1."""
    for name in ("images", "masks"):
        (tmp_path / "scans" / name).mkdir(parents=True)
    for index, image in enumerate(digits):
        Image.fromarray(image[..., 0]).save(tmp_path / "scans" / "images" / f"{index}.png")
        Image.fromarray((image[..., 0] > 127).astype(np.uint8)).save(tmp_path / "scans" / "masks" / f"{index}.png")
    return tmp_path / "scans"


def rewrite(folder, change):
    """Every mask changed: class indices (h, w) to a picture."""
    for path in (folder / "masks").iterdir():
        change(np.asarray(Image.open(path))).save(path)


def source(folder, **settings):
    return ImageMaskFolder(directory=str(folder), class_names=NAMES, channels=1, **settings)


def test_pairs_are_split_and_read(folder, digits):
    dataset = source(folder)
    description = dataset.describe()
    assert description.splits == {"train": 8, "test": 2}
    assert (description.inputs.shape, description.targets.shape) == ((None, None, 1), (None, None))
    train = dataset.load("train", None)
    assert (train.inputs.shape, train.targets.shape, train.targets.dtype) == ((8, 8, 8, 1), (8, 8, 8), np.uint8)
    np.testing.assert_array_equal(train.targets, train.inputs[..., 0] > 127)
    both = np.concatenate([train.inputs, dataset.load("test", None).inputs])
    assert {image.tobytes() for image in both} == {image.tobytes() for image in digits}
    with pytest.raises(InputError, match="no split 'validation'"):
        dataset.load("validation", None)


def test_split_folders_other_names_and_a_suffix(folder, tmp_path):
    for name in ("train", "val"):
        shutil.copytree(folder / "images", tmp_path / "other" / name / "photos")
        shutil.copytree(folder / "masks", tmp_path / "other" / name / "labels")
        for path in (tmp_path / "other" / name / "labels").iterdir():
            path.rename(path.with_name(f"{path.stem}_mask.png"))
    dataset = source(tmp_path / "other", images="photos", masks="labels", mask_suffix="_mask")
    assert dataset.describe().splits == {"train": 10, "validation": 10}
    assert len(dataset.load("validation", None)) == 10


def test_masks_are_resized_by_nearest_neighbours(folder):
    train = source(folder).load("train", ImageResizer(16, 16, "bilinear", crop_to_aspect_ratio=False))
    assert train.inputs.shape == (8, 16, 16, 1)
    assert set(np.unique(train.targets)) == {0, 1}
    original = source(folder).load("train", None).targets
    np.testing.assert_array_equal(train.targets, np.repeat(np.repeat(original, 2, axis=1), 2, axis=2))


def palette(indices):
    picture = Image.fromarray(indices).convert("P")
    picture.putdata(indices.ravel().tolist())
    picture.putpalette([10, 20, 30, 200, 100, 0])
    return picture


def one_hot(indices):
    """Class 0 in red, class 1 in green."""
    return Image.fromarray(np.stack([255 * (indices == 0), 255 * (indices == 1), 0 * indices], -1).astype(np.uint8))


@pytest.mark.parametrize(
    ("change", "settings"),
    [
        (lambda indices: Image.fromarray(indices * 255), {"values": [0, 255]}),
        (palette, {}),
        (palette, {"values": [[10, 20, 30], [200, 100, 0]]}),
        (one_hot, {"values": [[255, 0, 0], [0, 255, 0]]}),
    ],
    ids=["grey", "palette", "colours of a palette", "one-hot"],
)
def test_kinds_of_masks_mean_the_same(folder, change, settings):
    wanted = np.array(source(folder).load("train", None).targets)
    rewrite(folder, change)
    np.testing.assert_array_equal(source(folder, **settings).load("train", None).targets, wanted)


def test_void_pixels(folder):
    first = folder / "masks" / "0.png"
    mask = np.array(Image.open(first))
    mask[0] = 255
    Image.fromarray(mask).save(first)
    everything = source(folder, test_fraction=0).load("train", None).targets
    assert (everything[0, 0] == 255).all()
    rewrite(folder, lambda m: Image.fromarray(np.where(m == 255, 7, m).astype(np.uint8)))
    named = source(folder, test_fraction=0, values=[0, 1], void=[7]).load("train", None).targets
    np.testing.assert_array_equal(named, everything)


@pytest.mark.parametrize("split", ["train", "test"])
def test_what_is_wrong_names_the_file_before_training(folder, split):
    """Whichever split is read, the problems of all of them are told."""
    masks = folder / "masks"
    Image.fromarray(np.zeros((4, 8), np.uint8)).save(masks / "1.png")
    (masks / "2.png").write_bytes((masks / "2.png").read_bytes()[:40])
    Image.fromarray(np.full((8, 8, 3), (1, 0, 0), np.uint8)).save(masks / "3.png")
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save(masks / "4.png")
    (folder / "images" / "5.png").write_bytes(b"no picture")
    with pytest.raises(InputError) as caught:
        source(folder).load(split, None)
    text = str(caught.value)
    assert "masks/1.png has 4 x 8 pixels, but its image 1.png has 8 x 8" in text
    assert "masks/2.png is not a readable mask" in text
    assert "masks/3.png has 3 colour channels instead of class indices; give the colour of every class" in text
    assert "values: [[1, 0, 0]]" in text
    assert "masks/4.png has labels outside the classes: 9" in text
    assert "images/5.png is not a readable image" in text


def test_bad_pairs_are_left_out_when_that_is_allowed(folder, monkeypatch):
    (folder / "masks" / "2.png").write_bytes(b"no picture")
    monkeypatch.setenv("DLKIT_SKIP_BAD", "1")
    dataset = source(folder, test_fraction=0)
    assert [path.name for path in dataset.left_out] == ["2.png"]
    assert dataset.describe().splits == {"train": 9}
    assert len(dataset.load("train", None)) == 9


def test_missing_partners_are_named(folder):
    (folder / "masks" / "3.png").unlink()
    (folder / "images" / "4.png").unlink()
    with pytest.raises(InputError, match=r"images/3\.png has no mask\n.*masks/4\.png has no image"):
        source(folder).describe()


def test_files_without_a_partner_can_be_skipped(folder, monkeypatch):
    (folder / "masks" / "3.png").unlink()
    (folder / "images" / "4.png").unlink()
    monkeypatch.setenv("DLKIT_SKIP_BAD", "1")
    with pytest.raises(InputError, match="has no mask"):
        source(folder, test_fraction=0).describe()
    monkeypatch.setenv("DLKIT_SKIP_BAD", "2")
    dataset = source(folder, test_fraction=0)
    assert dataset.describe().splits == {"train": 8}
    assert sorted(path.name for path in dataset.left_out) == ["3.png", "4.png"]
    assert len(dataset.load("train", None)) == 8


def test_a_forgotten_suffix_is_named(folder):
    for path in (folder / "masks").iterdir():
        path.rename(path.with_name(f"{path.stem}_mask.png"))
    with pytest.raises(
        InputError, match=r"0\.png has no mask \(and so in 9 more: .*1\.png, .*3\.png and 6 more\)"
    ) as caught:
        source(folder).describe()
    assert "set mask_suffix: _mask" in caught.value.problems[0].hint


@pytest.mark.parametrize(
    ("change", "found", "hint"),
    [
        (lambda m: Image.fromarray(m * 255), "they have only 0, 255", "did you mean values: [0, 255], one per class"),
        (lambda m: Image.fromarray(m == 1), "they have only 0, 255", "did you mean values: [0, 255]"),
        (lambda m: Image.fromarray(np.where(m == 1, 0, 255).astype(np.uint8)), "only 0, 255", "values: [0, 255]"),
        (lambda m: Image.fromarray(0 * m), "they have only 0", "class indices start at 0"),
    ],
    ids=["grey", "1 bit", "inverse", "empty"],
)
def test_a_class_that_no_mask_has_is_an_error_of_two(folder, change, found, hint):
    rewrite(folder, change)
    with pytest.raises(InputError, match="have no pixel of ink") as caught:
        source(folder).load("train", None)
    assert found in str(caught.value)
    assert hint in caught.value.problems[0].hint


def test_one_of_three_classes_may_be_missing_and_is_named(folder):
    dataset = ImageMaskFolder(directory=str(folder), class_names=[*NAMES, "tear"], channels=1)
    dataset.load("train", None)
    assert dataset.notes == ("no mask of train has a pixel of tear",)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: Image.fromarray(m.astype(np.uint16)),
        lambda m: Image.fromarray(np.stack([m, m, m], -1)),
        lambda m: Image.fromarray(np.stack([m, np.full_like(m, 255)], -1)),
        lambda m: Image.fromarray(np.stack([m, m, m, np.full_like(m, 255)], -1)),
    ],
    ids=["16 bits", "equal channels", "opaque grey", "opaque colours"],
)
def test_indices_are_read_from_every_lossless_form(folder, change):
    wanted = np.array(source(folder).load("train", None).targets)
    rewrite(folder, change)
    np.testing.assert_array_equal(source(folder).load("train", None).targets, wanted)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda m: Image.fromarray(np.stack([m, m], -1)), "grey values with transparency instead of class indices"),
        (lambda m: Image.fromarray(m * 255).resize((4, 4)).resize((8, 8), 2), "labels outside the classes"),
    ],
    ids=["transparent", "blurred"],
)
def test_one_text_names_many_files(folder, change, text):
    rewrite(folder, change)
    with pytest.raises(InputError) as caught:
        source(folder).load("train", None)
    assert str(caught.value).count(text) == 1
    assert re.search(r"\(and so in \d+ more: .*masks/\d\.png", str(caught.value))


def test_image_and_mask_are_turned_alike(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = np.arange(48, dtype=np.uint8).reshape(8, 6)
    Image.fromarray(image).save(folder / "images" / "0.png", exif=exif)
    Image.fromarray(np.rot90(image % 2, -1).copy()).save(folder / "masks" / "0.png")
    for index in range(1, 10):
        for name in ("images", "masks"):
            Image.fromarray(np.zeros((6, 8), np.uint8)).save(folder / name / f"{index}.png")
    train = source(folder, test_fraction=0).load("train", None)
    np.testing.assert_array_equal(train.inputs[0, ..., 0], np.rot90(image, -1))
    np.testing.assert_array_equal(train.targets[0], train.inputs[0, ..., 0] % 2)
    Image.fromarray(image % 2).save(folder / "masks" / "0.png", exif=exif)
    np.testing.assert_array_equal(source(folder, test_fraction=0).load("train", None).targets[0], train.targets[0])


def test_litter_is_passed_over_and_other_files_are_counted(folder):
    for index in range(10):
        (folder / "masks" / f"._{index}.png").write_bytes(b"resource")
    (folder / "images" / "Thumbs.db").write_bytes(b"thumbs")
    (folder / "images" / "7.tif").write_bytes(b"tiff")
    dataset = source(folder, test_fraction=0)
    assert len(dataset.load("train", None)) == 10
    (note,) = dataset.notes
    assert note.startswith(f"1 file in {folder / 'images'} not read: 1 .tif (read: .bmp, .gif")


def test_jpeg_masks_are_refused_with_what_is_there(folder):
    for path in list((folder / "masks").iterdir()):
        path.rename(path.with_suffix(".jpg"))
    with pytest.raises(MissingError, match=r"no images in .*masks; it has 10 \.jpg") as caught:
        source(folder).describe()
    assert "JPEG changes class indices" in caught.value.problems[0].hint


@pytest.mark.parametrize("names", [("Train", "Test"), ("training", "Validation"), ("seg_train", "seg_test")])
def test_usual_names_of_split_folders(folder, names):
    for name in names:
        shutil.copytree(folder / "images", folder.parent / "other" / name / "images")
        shutil.copytree(folder / "masks", folder.parent / "other" / name / "masks")
    found = source(folder.parent / "other").describe().splits
    assert found == {"train": 10, "validation" if "Validation" in names else "test": 10}


def test_two_folders_for_one_split_are_refused(folder):
    for name in ("train", "val", "valid"):
        shutil.copytree(folder / "images", folder / name / "images")
        shutil.copytree(folder / "masks", folder / name / "masks")
    for name in ("images", "masks"):
        shutil.rmtree(folder / name)
    with pytest.raises(InputError, match="two folders for validation: val and valid"):
        source(folder).describe()


def test_images_of_two_sizes_need_resize(folder):
    for name in ("images", "masks"):
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(folder / name / "0.png")
    with pytest.raises(InputError, match="pixels") as caught:
        source(folder, test_fraction=0).load("train", None)
    assert "data.resize" in caught.value.problems[0].hint


def test_missing_folders_and_wrong_settings(folder, tmp_path):
    assert source(tmp_path / "nowhere").describe().splits == {}
    with pytest.raises(MissingError, match="no such folder"):
        source(tmp_path / "nowhere").load("train", None)
    with pytest.raises(MissingError, match=r"no such folder: .*labels"):
        source(folder, masks="labels").load("train", None)
    with pytest.raises(InputError, match="3 values for 2 classes"):
        source(folder, values=[0, 1, 2])
    with pytest.raises(InputError, match="mix numbers and colours"):
        source(folder, values=[0, [1, 2, 3]])
    with pytest.raises(InputError, match="different numbers"):
        source(folder, values=[0, 0])
    with pytest.raises(InputError, match="void is given without values"):
        source(folder, void=[3])


def test_a_folder_is_the_same_by_its_relative_and_its_absolute_path(folder, tmp_path, monkeypatch):
    """A recipe names it by the one and its run by the other, and both share a cache."""
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(folder / "masks" / "0.png")
    monkeypatch.setenv("DLKIT_SKIP_BAD", "1")
    monkeypatch.chdir(tmp_path)
    for path in (folder.relative_to(tmp_path), folder):
        dataset = source(path)
        assert dataset.left_out == (path / "masks" / "0.png",)
        assert len(dataset.load("train", None)) + len(dataset.load("test", None)) == 9
