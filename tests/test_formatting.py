"""Numbers for people."""

import pytest

from dlkit.formatting import byte_size, rounded


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.00123, 2, "0.0012"),
        (3.44, 2, "3.4"),
        (99.6, 2, "100"),
        (123.4, 2, "120"),
        (23_146.1, 3, "23,100"),
        (0.1 + 0.2, 3, "0.3"),
        (0, 2, "0"),
    ],
)
def test_significant_digits_without_an_exponent(value, digits, text):
    assert rounded(value, digits) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 MB"), (2_040_000, "2 MB"), (316e6, "0.32 GB"), (16.94e9, "17 GB"), (8e12, "8,000 GB")],
)
def test_sizes_in_two_digits(count, text):
    assert byte_size(count) == text
