"""Class names are text; all other characters are carried through."""

from types import SimpleNamespace

import pytest

from dlkit.data.source import describe
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec, Description
from dlkit.recipe import load_recipe


def described(*names):
    found = Description(ArraySpec((8, 8, 1), "uint8"), ArraySpec((), "int64"), names)
    return describe(load_recipe("digits_mlp").recipe, SimpleNamespace(describe=lambda: found)).class_names


def test_names_whose_bytes_are_not_utf_8_are_refused():
    """As folders of a file system in Latin-1 have them."""
    latin = b"caf\xe9".decode(errors="surrogateescape")
    with pytest.raises(InputError, match=r"the bytes of a class name are not UTF-8: caf\\xe9") as caught:
        described("tea", latin)
    assert caught.value.problems[0].location.line > 1


def test_names_of_any_characters_are_kept():
    names = ("line\nbreak", "\x1b[31m", "$x$", "\u732b", "\U0001f41d", "x" * 250, "")
    assert described(*names) == names
