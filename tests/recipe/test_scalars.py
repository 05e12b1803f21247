"""Unquoted words mean what YAML 1.2 says, and a fraction is a number."""

import math

import pytest

from dlkit.recipe.scalars import resolve


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nothing(text):
    assert resolve(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        ("-12", -12),
        ("+12", 12),
        ("0o17", 15),
        ("0xfF", 255),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("1.", 1.0),
        ("-1.5E+2", -150.0),
        ("1/4", 0.25),
        ("-1 / 4", -0.25),
        ("1.5/3", 0.5),
        ("1/0.5", 2.0),
        *((word, math.inf) for word in (".inf", ".Inf", "+.INF")),
        ("-.inf", -math.inf),
        *(
            (word, word)
            for word in ("yes", "no", "on", "1_000", "1:30", "0b1", "nan", "inf", "1/", "/2", "e5", "2024-01-01")
        ),
    ],
)
def test_value_and_type(text, value):
    found = resolve(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_no_number(text):
    assert math.isnan(resolve(text))
