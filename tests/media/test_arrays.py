"""Arrays keep their values when they are converted, or are refused."""

import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.media.arrays import check_numbers, converted, native


@pytest.mark.parametrize(
    ("values", "stored", "dtype"),
    [
        ([0, 255], "uint16", "uint8"),
        ([0, 255], "int64", "uint8"),
        ([-5, 7], "int8", "int64"),
        ([0, 2**63], "uint64", "float32"),
        ([0.25, -3.0], "float64", "float16"),
        ([0, 255], "uint8", "float32"),
        ([1, 2], ">i4", "int32"),
        ([1.5, 2], ">f4", "float32"),
    ],
)
def test_values_that_fit_are_kept(values, stored, dtype):
    result = converted(np.array(values, stored), dtype, "x")
    assert result.dtype == dtype
    assert result.dtype.isnative
    assert result.tolist() == values


@pytest.mark.parametrize(
    ("values", "stored", "dtype", "message"),
    [
        (
            [0, 4095],
            "uint16",
            "uint8",
            "x is uint16 with values from 0 to 4095, but the model takes uint8, from 0 to 255",
        ),
        ([-1, 255], "int16", "uint8", "x is int16 with values from -1 to 255"),
        ([0, 2**63], "uint64", "int64", "x is uint64 with values from 0 to 9223372036854775808"),
        ([0, 1e5], "float64", "float16", "x is float64 with values from 0.0 to 100000.0"),
        ([0, 1], "bool", "uint8", "x is bool, but the model takes uint8"),
        ([0, 1], "uint8", "bool", "x is uint8, but the model takes bool"),
        ([0, 1], "float32", "uint8", "x is float32, but the model takes uint8"),
    ],
)
def test_values_that_would_change_are_refused(values, stored, dtype, message):
    with pytest.raises(InputError, match=message) as caught:
        converted(np.array(values, stored), dtype, "x")
    assert caught.value.problems[0].hint == "scale and convert the values as those of the training data were"


def test_nan_and_infinity_pass_a_conversion_of_floats():
    assert str(converted(np.array([np.nan, np.inf]), "float32", "x")) == "[nan inf]"


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array(["a"]), r"x contains text \(<U1\)"),
        (np.array([b"a"]), r"x contains text \(\|S1\)"),
        (np.array([1j]), "x contains complex numbers"),
        (np.array(["2020-01-01"], "M8[D]"), "x contains dates"),
        (np.array([3], "m8[s]"), "x contains durations"),
        (np.array([(1, 2.0)], "i4,f4"), "x contains structured records"),
        (np.array([1.0], np.longdouble), "x contains floats of 128 bits"),
        (np.array(3.0), "x is a single value"),
        (np.zeros((60, 0)), r"x has the shape \[60, 0\], which contains no values"),
        (np.zeros((0, 4)), r"x has the shape \[0, 4\], which contains no values"),
    ],
)
def test_only_numbers_are_taken(array, message):
    with pytest.raises(InputError, match=message):
        check_numbers(array, "x")


def test_a_native_array_is_not_copied():
    array = np.arange(3)
    assert native(array) is array
