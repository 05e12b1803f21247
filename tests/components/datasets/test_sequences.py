"""Windows over a series follow its time and stay within their part; the sums of binary numbers are right."""

import numpy as np
import pytest

from dlkit.components.datasets.binary_addition import BinaryAddition
from dlkit.components.datasets.noisy_sine import NoisySine
from dlkit.components.datasets.sequences import Sequences
from dlkit.errors import InputError, MissingError


@pytest.fixture
def series(tmp_path):
    """Twenty steps of two features: the step, and ten times the step."""
    steps = np.arange(20)
    np.save(tmp_path / "series.npy", np.c_[steps, 10 * steps])
    return str(tmp_path / "series.npy")


def test_windows_are_followed_by_their_targets(series):
    split = Sequences(file=series, window=3, horizon=2, stride=5, target=1).load("train", None)
    assert split.inputs[..., 0].tolist() == [[0, 1, 2], [5, 6, 7], [10, 11, 12], [15, 16, 17]]
    assert split.inputs[1].tolist() == [[5, 50], [6, 60], [7, 70]]
    assert split.targets.tolist() == [[30, 40], [80, 90], [130, 140], [180, 190]]


def test_no_window_crosses_from_one_part_into_another(series):
    data = Sequences(file=series, window=2, validation_fraction=0.2, test_fraction=0.3)
    assert data.describe().splits == {"train": 8, "validation": 2, "test": 4}
    seen = [set(data.load(name, None).inputs[..., 0].ravel()) for name in ("train", "validation", "test")]
    targets = [set(data.load(name, None).targets.ravel()) for name in ("train", "validation", "test")]
    for (low, high), values, following in zip([(0, 10), (10, 14), (14, 20)], seen, targets, strict=True):
        assert values | following == set(range(low, high))


def test_a_series_of_one_feature_has_an_axis_for_it(tmp_path):
    np.save(tmp_path / "one.npy", np.arange(5, dtype=np.int16))
    split = Sequences(file=str(tmp_path / "one.npy"), window=4).load("train", None)
    assert (split.inputs.shape, split.inputs.dtype, split.targets.tolist()) == ((1, 4, 1), np.float64, [[4]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 20}, "train has 20 of the 20 steps, but a window of 20 and a horizon of 1 need 21"),
        (
            {"window": 3, "test_fraction": 0.1},
            "test has 2 of the 20 steps, but a window of 3 and a horizon of 1 need 4",
        ),
        ({"window": 3, "target": 2}, "target is 2, but"),
        ({"window": 3, "test_fraction": 0.5, "validation_fraction": 0.5}, "leave nothing for train"),
    ],
)
def test_what_cannot_be_cut_is_explained(series, settings, message):
    with pytest.raises(InputError, match=message):
        Sequences(file=series, **settings).describe()


def test_files_that_are_no_series_are_explained(tmp_path):
    np.save(tmp_path / "cube.npy", np.zeros((2, 3, 4)))
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    (tmp_path / "series.csv").write_text("1\n2\n")
    for name, message in (("cube.npy", r"\[2, 3, 4\]"), ("words.npy", "contains text"), ("series.csv", "not an .npy")):
        with pytest.raises(InputError, match=message):
            Sequences(file=str(tmp_path / name), window=1).describe()
    with pytest.raises(MissingError, match="no such file"):
        Sequences(file=str(tmp_path / "none.npy"), window=1).describe()


def test_the_sine_is_scaled_by_train_alone():
    data = NoisySine()
    assert data.describe().splits == {"train": 179, "validation": 11, "test": 80}
    train = data.load("train", None)
    values = np.concatenate([train.inputs[:, 0, 0], train.inputs[-1, 1:, 0], train.targets[-1]])
    assert (len(values), values.min(), values.max()) == (189, 0, 1)
    low, high = -1, 1.5  # without noise, and with all of it
    plain = (np.sin(np.arange(189)) - low) / (high - low)
    assert np.abs(values - plain).max() < 0.25
    np.testing.assert_array_equal(train.inputs[1:, -1, 0], train.targets[:-1, 0])


def test_digits_add_up_and_no_pair_is_in_two_splits():
    data = BinaryAddition()
    assert data.describe().splits == {"train": 700, "test": 300}
    pairs = []
    for name in ("train", "test"):
        split = data.load(name, None)
        numbers = split.inputs.astype(int).transpose(0, 2, 1) @ (1 << np.arange(8))
        assert numbers.max() < 128
        np.testing.assert_array_equal(split.targets[..., 0] @ (1 << np.arange(8)), numbers.sum(axis=1))
        pairs += map(tuple, numbers.tolist())
    assert len(set(pairs)) == 1000


def test_all_pairs_of_few_bits_can_be_drawn_and_no_more():
    data = BinaryAddition(examples=16, bits=3, test_fraction=0.25)
    digits = np.concatenate([data.load(name, None).inputs for name in ("train", "test")])
    assert len(np.unique(digits, axis=0)) == 16
    with pytest.raises(InputError, match="numbers of 2 bits have 16 pairs"):
        BinaryAddition(examples=17, bits=3)


def test_numbers_of_31_bits_are_added_without_overflow():
    split = BinaryAddition(examples=50, bits=32, seed=1).load("train", None)
    weights = 1 << np.arange(32, dtype=np.int64)
    numbers = split.inputs.astype(np.int64).transpose(0, 2, 1) @ weights
    np.testing.assert_array_equal(split.targets[..., 0].astype(np.int64) @ weights, numbers.sum(axis=1))


def save_sequences(path, x, lengths, y):
    np.savez(path, x=x, lengths=lengths, y=y)
    return str(path)


def test_sequences_end_where_their_lengths_say(tmp_path):
    x = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    train = save_sequences(tmp_path / "a.npz", x, [2, 4, 1], ["no", "yes", "no"])
    test = save_sequences(tmp_path / "b.npz", x[:, :3].astype(np.float64), [3, 3, 1], [1, 0, 1])
    data = Sequences(train=train, test=test, class_names=["no", "yes"])
    split, found = data.load("train", None), data.describe()
    assert (found.inputs.shape, found.inputs.dtype, found.splits) == ((None, 2), "float32", {"train": 3, "test": 3})
    assert [sequence.tolist() for sequence in split.inputs] == [x[0, :2].tolist(), x[1].tolist(), x[2, :1].tolist()]
    assert split.targets.tolist() == [0, 1, 0]
    assert data.load("test", None).inputs.lengths.tolist() == [3, 3, 1]


def test_sequences_without_lengths_have_all_their_steps_and_values_as_targets(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones((2, 3, 1), np.int16), y=[0.5, 1])
    split = Sequences(train=str(tmp_path / "a.npz")).load("train", None)
    assert (split.inputs.lengths.tolist(), split.inputs.dtype, split.targets.tolist()) == (
        [3, 3],
        "float32",
        [[0.5], [1]],
    )


@pytest.mark.parametrize(
    ("x", "lengths", "message"),
    [
        (np.ones((2, 3)), [1, 4], r"length 1 is 4"),
        (np.ones((2, 3)), [0, 1], r"length 0 is 0"),
        (np.ones((2, 3)), [1, 2, 3], r"lengths is int64 of shape \[3\]"),
        (np.ones((2, 3)), [1.0, 2.0], r"lengths is float64"),
        (np.ones(2), [1, 1], r"x has the shape \[2\]"),
        (np.ones((3, 3)), [1, 1, 1], r"3 sequences and 2 targets"),
        (np.array([[1, 0], [1, 1]]), [2, 2], r"x contains the index 0, which stands for padding"),
    ],
)
def test_lengths_that_do_not_fit_are_explained(tmp_path, x, lengths, message):
    with pytest.raises(InputError, match=message):
        Sequences(train=save_sequences(tmp_path / "a.npz", x, lengths, [0, 1])).describe()


def test_either_files_of_sequences_or_a_series(series):
    for settings in (
        {},
        {"file": series, "window": 2, "train": "a.npz"},
        {"file": series},
        {"train": "a", "window": 2},
    ):
        with pytest.raises(InputError, match=r"either file or train|needs a window"):
            Sequences(**settings)
