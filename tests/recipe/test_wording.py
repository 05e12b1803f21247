"""Every kind of wrong value is said in plain words, with what is allowed."""

import pytest

from dlkit.catalog.create import Component
from dlkit.recipe.wording import explained, shown, unquoted, with_article


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("int_type", "a whole number"),
        ("int_from_float", "a whole number"),
        ("float_type", "a number"),
        ("string_type", "a string"),
        ("bool_type", "true or false"),
        ("list_type", "a list"),
        ("tuple_type", "a list"),
        ("dict_type", "a mapping"),
        ("model_type", "a mapping of keys"),
        ("model_attributes_type", "a mapping of keys"),
    ],
)
def test_types(kind, wanted):
    assert explained(kind, "x", {}, "") == (f"expected {wanted}, received 'x'", "")


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("greater_than", "gt", "greater than"),
        ("greater_than_equal", "ge", "of at least"),
        ("less_than", "lt", "less than"),
        ("less_than_equal", "le", "of at most"),
    ],
)
def test_bounds(kind, name, words):
    assert explained(kind, 7, {name: 0.5}, "") == (f"expected a number {words} 0.5, received 7", "")


def test_hints():
    assert explained("list_type", {"a": 1}, {}, "") == (
        "expected a list, received a mapping with a",
        "write one entry per line, each starting with `- `",
    )
    assert explained("int_type", "12", {}, "")[1] == "write 12 without quotes"
    allowed = {"expected": "'same', 'valid' or 'causal'"}
    assert explained("literal_error", "vaild", allowed, "") == (
        "'vaild' is not allowed here",
        "did you mean 'valid'? allowed: same, valid, causal",
    )
    assert explained("literal_error", 3, allowed, "") == ("3 is not allowed here", "allowed: same, valid, causal")
    message, hint = explained("string_pattern_mismatch", "My Net", {}, "")
    assert message == "'My Net' is not a valid name"
    assert hint == "use at most 64 lower-case letters, digits, _ and -, starting with a letter or digit"


def test_what_has_no_words_of_its_own():
    assert explained("value_error", 1, {"error": ValueError("no")}, "Value error, no") == ("no", "")
    assert explained("value_error", 1, {}, "as pydantic says") == ("as pydantic says", "")
    assert explained("too_long", [1, 2], {}, "List should be shorter") == (
        "list should be shorter, received a list of length 2",
        "",
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Component("layer", "Dense"), "the layer Dense"),
        ({"a": 1, "b": 2}, "a mapping with a, b"),
        (dict.fromkeys(range(7)), "a mapping with 0, 1, 2, 3, 4"),
        ({}, "a mapping with nothing in it"),
        ([1, 2, 3], "a list of length 3"),
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (0, "0"),
        ("x" * 58, repr("x" * 58)),
        ("x" * 59, "'" + "x" * 56 + "..."),
    ],
)
def test_shown(value, text):
    assert shown(value) == text


@pytest.mark.parametrize("text", ["1", "-1.5", "+2e-3", "1/255"])
def test_numbers_in_quotes_are_recognised(text):
    assert unquoted(text) == f"write {text} without quotes"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (None, "give a value, or remove the key"),
        (1000.0, "write 1000"),
        ("2,", "write 2"),
        ("20%", "write 20/100"),
        ("1:255", "write 1/255"),
    ],
)
def test_what_is_nearly_a_number_is_told_how_it_is_written(value, hint):
    assert unquoted(value) == hint


@pytest.mark.parametrize("value", ["", "one", "1/x", 1, 0.5])
def test_what_is_no_number_in_quotes(value):
    assert unquoted(value) == ""


def test_articles():
    assert [with_article(word) for word in ("optimizer", "layer", "augment")] == [
        "an optimizer",
        "a layer",
        "an augment",
    ]
