"""Arrays of every shape and type that users save: taken with their values, or refused by name."""

import numpy as np
import pytest

from dlkit.components.datasets.arrays import Arrays
from dlkit.errors import InputError
from dlkit.media.images import ImageResizer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 4)).astype(np.float32)
Y = np.array([0, 1, 1, 0, 1, 0, 0, 1])
TEXT = np.array(["no", "yes"])[Y]
LARGE = ImageResizer(4, 4, "bilinear", crop_to_aspect_ratio=False)


@pytest.fixture
def stored(tmp_path):
    """Save x and y as a train split; return the dataset with these settings."""

    def save(x=X, y=Y, **settings):
        np.savez(tmp_path / "train.npz", x=x, y=y)
        return Arrays(train=str(tmp_path / "train.npz"), **settings)

    return save


@pytest.mark.parametrize(
    "labels",
    [Y[:, None], Y.astype(float), Y.astype(bool), Y.astype(">i8"), Y.astype("u8"), Y.astype("i1"), Y.astype("f2")],
    ids=["column", "float", "bool", "big-endian", "uint64", "int8", "float16"],
)
def test_labels_that_say_the_same_give_the_same_classes(stored, labels):
    dataset = stored(y=labels, classes=2)
    split = dataset.load("train", None)
    assert (dataset.describe().targets.shape, dataset.describe().targets.dtype) == ((), "int64")
    assert (split.targets.dtype, split.targets.tolist()) == (np.int64, Y.tolist())


@pytest.mark.parametrize("labels", [TEXT, TEXT.astype("S3"), TEXT[:, None]], ids=["text", "bytes", "column"])
def test_text_labels_are_class_names(stored, labels):
    assert stored(y=labels, class_names=["no", "yes"]).load("train", None).targets.tolist() == Y.tolist()
    assert stored(y=labels, class_names=["yes", "no"]).load("train", None).targets.tolist() == (1 - Y).tolist()
    with pytest.raises(InputError, match="y has labels outside the classes: 'yes'"):
        stored(y=labels, class_names=["no", "Yes"]).describe()
    with pytest.raises(InputError, match="y contains text: 'no', 'yes'") as caught:
        stored(y=labels, classes=2).describe()
    assert caught.value.problems[0].hint == "name the classes: class_names: [no, yes]"
    with pytest.raises(InputError, match="y contains text"):
        stored(y=labels).describe()


@pytest.mark.parametrize(
    ("labels", "message", "hint"),
    [
        (np.eye(2)[Y], r"y has the shape \[8, 2\], which is not one label per example", "save numpy.argmax"),
        (np.stack([Y, Y, Y], 1), r"y has the shape \[8, 3\]", "one class index per example"),
        (Y + 1, "y contains int64 labels from 1 to 2", "from 0 to 1; subtract 1"),
        (Y * 2 - 1, "y contains int64 labels from -1 to 1", "from 0 to 1"),
        (Y.astype("u8") + 2**63, "labels from 9223372036854775808 to", "from 0 to 1"),
        (np.where(Y, np.nan, 0), r"y\[1\] contains nan", "remove examples without a label"),
        (Y / 2, r"y\[1\] contains 0.5", "remove classes"),
        (Y * 1j, r"y contains complex numbers \(complex128\)", "convert it to numbers"),
        (Y.astype("M8[D]"), "y contains dates", "convert it to numbers"),
        (Y[0], "y is a single value", "counts the examples"),
        (Y[:5], "8 inputs and 5 targets", "one target per input"),
        (Y.reshape(8, 1)[:, :0], r"y has the shape \[8, 0\]", "at least one"),
    ],
)
def test_labels_that_are_no_classes_say_why(stored, labels, message, hint):
    with pytest.raises(InputError, match=message) as caught:
        stored(y=labels, classes=2).describe()
    assert hint in caught.value.problems[0].hint


def test_objects_are_refused_without_reading_them(stored):
    with pytest.raises(InputError, match="contains Python objects"):
        stored(y=TEXT.astype(object), classes=2).describe()


def test_values_are_targets_of_their_own_shape(stored):
    for values in (X[:, 0], X[:, :1], X[:, 0].astype(">f4")):
        dataset = stored(y=values)
        assert (dataset.describe().targets.shape, dataset.describe().targets.dtype) == ((1,), "float32")
        assert dataset.load("train", None).targets.tolist() == X[:, :1].tolist()
    assert stored(y=Y.astype(bool)).describe().targets.dtype == "bool"


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "?", ">u2", ">f8"])
def test_inputs_keep_their_type_and_values(stored, dtype):
    values = (100 * abs(X)).astype(dtype)
    split, spec = stored(x=values, classes=2).load("train", None), stored(x=values, classes=2).describe().inputs
    assert spec.dtype == str(split.inputs.dtype) == np.dtype(dtype).newbyteorder("=").name
    np.testing.assert_array_equal(split.inputs, values)


def test_fortran_order_and_memory_maps(tmp_path):
    images = RNG.integers(0, 4096, (8, 6, 6, 1)).astype(np.uint16)
    np.save(tmp_path / "x_train.npy", np.asfortranarray(images))
    np.save(tmp_path / "y_train.npy", Y)
    split = Arrays(directory=str(tmp_path), classes=2).load("train", None)
    assert isinstance(split.inputs, np.memmap)
    np.testing.assert_array_equal(split.inputs[3:5], images[3:5])
    np.save(tmp_path / "x_train.npy", images.astype(">u2"))
    swapped = Arrays(directory=str(tmp_path), classes=2)
    assert swapped.describe().inputs.dtype == "uint16"
    np.testing.assert_array_equal(swapped.load("train", None).inputs, images)


def test_inputs_need_an_axis_of_values(stored):
    with pytest.raises(InputError, match=r"x has the shape \[8\]") as caught:
        stored(x=X[:, 0], classes=2).describe()
    assert "x.reshape(-1, 1)" in caught.value.problems[0].hint


def test_a_split_of_another_kind_than_train_is_refused(tmp_path):
    images = RNG.integers(0, 256, (8, 6, 6, 3)).astype(np.uint8)
    np.savez(tmp_path / "train.npz", x=images, y=Y)
    dataset = Arrays(train=str(tmp_path / "train.npz"), test=str(tmp_path / "test.npz"), classes=2)
    for other, message in [
        (images / 255, "x is float64, but the model takes uint8"),
        (images.astype("u2") * 16, "x is uint16 with values from"),
        (images > 127, "x is bool"),
        (images[..., :1], r"x has the shape \[8, 6, 6, 1\], but that of train is \[8, 6, 6, 3\]"),
        (images[..., 0], r"x has the shape \[8, 6, 6\]"),
    ]:
        np.savez(tmp_path / "test.npz", x=other, y=Y)
        with pytest.raises(InputError, match=message):
            Arrays(**vars(dataset)).load("test", None)
    np.savez(tmp_path / "test.npz", x=images.astype(np.int64), y=Y)
    assert dataset.load("test", None).inputs.dtype == np.uint8


def test_masks_are_resized_with_their_images(stored):
    images = RNG.integers(0, 4096, (8, 2, 2, 1)).astype(np.uint16)
    masks = RNG.integers(0, 3, (8, 2, 2))
    masks[0, 0, 0] = 255
    for stored_masks in (masks, masks[..., None], masks.astype(float)):
        dataset = stored(x=images, y=stored_masks, classes=3)
        assert (dataset.describe().targets.shape, dataset.describe().targets.dtype) == ((2, 2), "uint8")
        np.testing.assert_array_equal(dataset.load("train", None).targets, masks)
        large = dataset.load("train", LARGE)
        assert large.inputs.dtype == np.uint16
        np.testing.assert_array_equal(large.targets, np.repeat(np.repeat(masks, 2, axis=1), 2, axis=2))
    with pytest.raises(InputError, match="300 classes are declared"):
        stored(x=images, y=masks, classes=300).describe()


def test_other_keys_are_listed(tmp_path):
    np.savez(tmp_path / "mnist.npz", x_train=X, y_train=Y, x_test=X)
    with pytest.raises(InputError, match="has no array x and no array y") as caught:
        Arrays(train=str(tmp_path / "mnist.npz"), classes=2).describe()
    assert caught.value.problems[0].hint == (
        "it has: x_train, y_train, x_test; save it with numpy.savez(path, x=..., y=...)"
    )


def test_classes_are_found_in_train(stored, tmp_path):
    for labels, names in [(Y + (Y == 1), "012"), (Y[:, None], "01"), (Y.astype(float), "01"), (TEXT, ["no", "yes"])]:
        dataset = stored(y=labels, kind="classes")
        assert dataset.describe().class_names == tuple(names)
        assert dataset.load("train", None).targets.tolist() == (labels if labels is not TEXT else Y).ravel().tolist()
    masks = np.array([[[0, 255], [1, 0]]] * 8, np.uint8)
    assert stored(x=np.zeros((8, 2, 2, 1), np.uint8), y=masks, kind="classes").describe().class_names == ("0", "1")
    for labels, says in [
        (np.zeros(8, int), "contains only one class: '0'"),
        (Y - 0.5, "is not a class index"),
        (Y * 10**6, "labels up to 1,000,000"),
        (-Y, "only one class"),
    ]:
        with pytest.raises(InputError, match=says):
            stored(y=labels, kind="classes").describe()
    with pytest.raises(InputError, match="kind: values has no classes"):
        stored(kind="values", classes=2)
    np.savez(tmp_path / "test.npz", x=X, y=Y + 1)
    with pytest.raises(InputError, match="labels from 1 to 2"):
        Arrays(train=stored().train, test=str(tmp_path / "test.npz"), kind="classes").describe()
