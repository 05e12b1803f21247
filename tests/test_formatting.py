"""Numbers for people."""

import pytest

from dlkit.formatting import byte_size, measured, percent, printable, rounded


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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.91234, "0.9123"),
        (0.0, "0.0000"),
        (1.0, "1.0000"),
        (1e-5, "1e-5"),
        (-0.000123456, "-0.000123"),
        (0.001, "0.0010"),
        (0.99998, "0.99998"),
        (1.00001, "1.00001"),
        (2.34e-12, "2.34e-12"),
        (1234.5, "1234.5000"),
        (1.5e12, "1.5e+12"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_metrics_never_read_as_a_zero_or_one_that_they_are_not(value, text):
    assert measured(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1, "100 %"), (0, "0 %"), (0.125, "12.5 %"), (0.9998, "99.98 %"), (0.0001, "0.01 %")]
)
def test_only_all_is_100_percent(value, text):
    assert percent(value) == text


def test_foreign_names_are_on_one_line_and_control_nothing():
    assert printable("a\nb\x1b[2J\u202ec") == "a\\nb\\x1b[2J\\u202ec"
    assert printable("caf\udce9") == "caf\\xe9"  # a file name in Latin-1
    family = "\U0001f468\u200d\U0001f469"
    assert (
        printable(f"\u732b {family} cafe\u0301 \u0642\u0637\u0629") == f"\u732b {family} cafe\u0301 \u0642\u0637\u0629"
    )
