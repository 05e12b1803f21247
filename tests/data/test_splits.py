"""Examples that hold what is no number are found wherever they lie, before anything is measured on them."""

import numpy as np
import pytest

from dlkit.data.fingerprint import fingerprint
from dlkit.data.splits import Splits, check_finite, not_finite
from dlkit.errors import InputError
from dlkit.interfaces.data import Rows, Split


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 1023, 1024, 2999])
def test_rows_that_are_not_finite_are_found(bad, row):
    values = np.zeros((3000, 2, 3), np.float32)
    assert list(not_finite(values)) == []
    values[row, 1, 2] = values[2999, 0, 0] = bad
    assert list(not_finite(values)) == sorted({row, 2999})
    assert list(not_finite(Rows(values, np.array([5, row, 6, 2999])))) == [1, 3]


def test_whole_numbers_are_always_finite():
    assert list(not_finite(np.full(5, 255, np.uint8))) == []


@pytest.mark.parametrize("part", ["inputs", "targets"])
def test_the_error_names_the_part_and_the_example(part):
    arrays = {"inputs": np.zeros((4, 2), np.float32), "targets": np.zeros(4, np.float32)}
    check_finite(Split(**arrays), "test")
    arrays[part][3] = np.nan
    with pytest.raises(InputError, match=rf"the {part} of test\[3\] contain"):
        check_finite(Split(**arrays), "test")


def test_lengths_follow_their_examples():
    lengths = np.array([3, 1, 2, 4])
    split = Split(np.zeros((4, 5)), np.arange(4), lengths)
    chosen = split.select(np.array([3, 1]))
    assert chosen.lengths.tolist() == [1, 4]
    assert chosen.targets.tolist() == [1, 3]
    shorter = Split(split.inputs, split.targets, lengths - 1)
    assert fingerprint(split) != fingerprint(shorter)
    assert "lengths" not in fingerprint(Split(split.inputs, split.targets))


def test_the_parts_that_there_are_have_names():
    part = Split(np.zeros((1, 2)), np.zeros(1))
    assert list(Splits(part, None).named()) == ["train"]
    assert list(Splits(part, part, part).named()) == ["train", "validation", "unlabelled"]
