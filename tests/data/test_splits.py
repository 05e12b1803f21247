"""Examples that hold what is no number are found wherever they lie, before anything is measured on them."""

import numpy as np
import pytest

from dlkit.catalog.create import Component
from dlkit.data.fingerprint import fingerprint
from dlkit.data.splits import Splits, check_finite, load_splits, not_finite
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, Description, Rows, Split, seeded_split
from dlkit.interfaces.ragged import Ragged
from dlkit.recipe.schema import Data, Validation


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


def test_a_fingerprint_is_that_of_values_types_and_shapes():
    values, targets = np.arange(12, dtype="int32"), np.arange(6)
    others = [values.reshape(6, 2), values.reshape(6, 2).view("uint32"), values.reshape(6, 1, 2), -values.reshape(6, 2)]
    found = [str(fingerprint(Split(inputs, targets))) for inputs in others]
    found.append(str(fingerprint(Split(others[0], targets[::-1]))))
    assert len(set(found)) == 5
    assert fingerprint(Split(others[0].copy(order="F"), targets)) == fingerprint(Split(others[0], targets))


def test_lengths_follow_their_examples():
    sequences = [np.full((length, 2), length, "float32") for length in (3, 1, 2, 4)]
    split = Split(Ragged.of(sequences), np.arange(4))
    chosen = split.select(np.array([3, 1]))
    assert chosen.inputs.lengths.tolist() == [1, 4]
    assert chosen.targets.tolist() == [1, 3]
    np.testing.assert_array_equal(chosen.inputs[1], sequences[3])
    shorter = Split(Ragged.of([sequences[0][:2], *sequences[1:]]), split.targets)
    assert fingerprint(split) != fingerprint(shorter)
    again = Ragged(np.concatenate([np.zeros((1, 2), "float32"), *sequences[:2]]), [1, 4], [3, 1])
    assert fingerprint(Split(again, np.arange(2))) == fingerprint(Split(Ragged.of(sequences[:2]), np.arange(2)))


def test_nan_is_found_in_the_sequence_that_contains_it():
    sequences = [np.ones((length, 2), "float32") for length in (3, 1, 2, 4)]
    sequences[2][1, 0] = np.nan
    assert list(not_finite(Ragged.of(sequences))) == [2]
    assert list(not_finite(Ragged.of(sequences[:2]))) == []


def test_the_parts_that_there_are_have_names():
    part = Split(np.zeros((1, 2)), np.zeros(1))
    assert list(Splits(part, None).named()) == ["train"]
    assert list(Splits(part, part, part).named()) == ["train", "validation", "unlabelled"]


@pytest.mark.parametrize(
    ("counts", "fraction", "says"),
    [
        ((9, 1), 0.2, "cannot hold out 0.2 of 10 examples: class 'b' has a single example"),
        ((6, 4), 0.1, "cannot hold out 0.1 of 10 examples: that is 1, which leaves 9, for 2 classes"),
        ((2, 2), 0.9, "cannot hold out 0.9 of 4 examples: that is 4, which leaves 0, for 2 classes"),
    ],
)
def test_parts_too_small_for_the_classes_are_refused(counts, fraction, says):
    targets = np.repeat([0, 1], counts)
    with pytest.raises(InputError, match=says):
        seeded_split(targets, fraction, 0, True, ("a", "b"))
    if fraction < 0.5:
        assert len(seeded_split(targets, fraction, 0, False)[1]) == len(targets) * fraction
    with pytest.raises(InputError, match=r"cannot hold out 0\.5 of 1 examples: that is 1, which leaves 0$"):
        seeded_split(np.zeros(1), 0.5, 0, False)


def test_folds_need_examples_of_every_class():
    class Few:
        def describe(self):
            return Description(ArraySpec((1,), "float32"), ArraySpec((), "int64"), ("a", "b"))

        def load(self, split, resize):
            return Split(np.zeros((10, 1)), np.repeat([0, 1], [7, 3]))

    def data(folds):
        return Data(source=Component("dataset", "few"), validation=Validation(fold=0, of=folds))

    assert len(load_splits(data(3), Few(), True).validation) == 4
    with pytest.raises(InputError, match="4 folds need 4 examples of every class, but class 'b' has 3"):
        load_splits(data(4), Few(), True)
    assert len(load_splits(data(10), Few(), False).validation) == 1
    with pytest.raises(InputError, match="10 examples cannot be split into 11 folds"):
        load_splits(data(11), Few(), False)
