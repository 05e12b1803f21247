"""YAML text to plain data with positions."""

import math

import pytest

from dlkit.errors import InputError, Location, MissingError, RecipeError
from dlkit.recipe import nodes
from dlkit.recipe.reader import MAX_BYTES, dotted, parse, parse_value, read_file
from dlkit.recipe.writer import to_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("012", 12),
        ("0x1F", 31),
        ("0o17", 15),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("1/255", 1 / 255),
        ("-3/4", -0.75),
        ("0.5/2", 0.25),
        ("'1/255'", "1/255"),
        ("no", "no"),
        ("true", True),
        ("~", None),
        ("", None),
        ("1_000", "1_000"),
        ("2020-01-01", "2020-01-01"),
        ("1:30", "1:30"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
    ],
)
def test_values(text, value):
    found = parse_value(text, "f")
    assert found == value
    assert type(found) is type(value)


def test_infinity_and_no_number():
    assert parse_value("-.inf", "f") == -math.inf
    assert math.isnan(parse_value(".nan", "f"))


def test_every_key_and_value_has_its_place():
    data, positions = parse("a: 1\nb:\n  - {c: x, d: [y, z]}\n", "f.yaml")
    assert data == {"a": 1, "b": [{"c": "x", "d": ["y", "z"]}]}
    assert positions.key(("b",)) == Location("f.yaml", 2, 1)
    assert positions.value(("b", 0)) == Location("f.yaml", 3, 5)
    assert positions.key(("b", 0, "d")) == Location("f.yaml", 3, 12)
    assert positions.value(("b", 0, "d", 1)) == Location("f.yaml", 3, 19)


def test_what_is_not_there_is_located_at_what_is_around_it():
    _, positions = parse("a: 1\nb: {c: 2}\n", "f.yaml")
    assert positions.value(("b", "nothing")) == Location("f.yaml", 2, 4)


def test_aliases_are_expanded_apart():
    data, _ = parse("a: &x {k: 1}\nb: *x\n", "f")
    data["b"]["k"] = 2
    assert data == {"a": {"k": 1}, "b": {"k": 2}}


def test_the_version_directive_changes_no_meaning():
    assert parse("%YAML 1.1\n---\na: no\n", "f")[0] == {"a": "no"}


def test_all_duplicate_keys_are_reported():
    with pytest.raises(RecipeError) as raised:
        parse("a: 1\na: 2\nb: {c: 1, c: 2}\n", "f")
    assert [problem.key for problem in raised.value.problems] == ["a", "b.c"]


def test_aliases_without_bound_are_refused():
    lines = [f"k{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 60)]
    with pytest.raises(RecipeError, match="more than 10,000 values"):
        parse("\n".join(["k0: &a0 [x]", *lines]), "f")


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "\n".join(" " * i + "a:" for i in range(200))])
def test_deep_nesting_is_refused(text):
    with pytest.raises(RecipeError, match="nested too deeply"):
        parse(text, "f")


def test_too_many_digits():
    with pytest.raises(RecipeError, match="is not a usable number") as raised:
        parse("a: " + "1" * 5000, "f")
    assert raised.value.problems[0].hint == "write fewer digits"


def test_files(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: caf\xc3\xa9")
    assert read_file(path) == "name: café"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(InputError, match="is 1 MB"):
        read_file(path)
    with pytest.raises(MissingError, match="no such file"):
        read_file(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    "data",
    [
        {"a": "1/255", "b": 1 / 255, "c": "no", "d": "1e-3", "e": 1e-05, "f": [1, 2.0, None, True]},
        {"a": "", "b": "x: y", "c": "é\t\n", "d": "0x1F", "e": "2020-01-01", "f": "1/0", "g": math.inf, "h": "true"},
        {"a": {"b": [{"c": [[1, 2], [3, 4]]}, "d"]}, "e": {}, "f": []},
    ],
)
def test_written_data_reads_back(data):
    assert parse(to_yaml(data), "f")[0] == data


def test_written_data_has_no_anchors():
    shared = [1, 2]
    assert "&" not in to_yaml({"a": shared, "b": shared})


def test_dotted():
    assert dotted(("model", "sequential", "layers", 0)) == "model.sequential.layers.0"


@pytest.mark.parametrize(
    ("text", "kind"),
    [("- 1", "a list"), ("word", "a string"), ("true", "a boolean"), ("~", "nothing"), ("1.5", "a number")],
)
def test_a_recipe_is_a_mapping(text, kind):
    with pytest.raises(RecipeError) as raised:
        parse(text, "f.yaml")
    (problem,) = raised.value.problems
    assert problem.message == f"a recipe must be a mapping of keys, received {kind}"
    assert problem.hint == "start with `recipe: 1`"


def test_a_megabyte_is_read_and_what_is_not_there_is_named(tmp_path):
    path = tmp_path / "large.yaml"
    path.write_text("#" * MAX_BYTES)
    assert len(read_file(path)) == MAX_BYTES
    path.unlink()
    with pytest.raises(MissingError, match=r"no such file: .*large\.yaml"):
        read_file(path)


def test_more_values_than_a_recipe_needs_are_refused(monkeypatch):
    monkeypatch.setattr(nodes, "MAX_NODES", 10)
    assert parse("a: [1, 2, 3, 4, 5, 6, 7]", "f")[0] == {"a": [1, 2, 3, 4, 5, 6, 7]}  # mapping, key, list, 7 values
    with pytest.raises(RecipeError, match="there are too many values"):
        parse("a: [1, 2, 3, 4, 5, 6, 7, 8]", "f")


@pytest.mark.parametrize(("length", "shown"), [(60, "!" + 59 * "x"), (61, "!" + 56 * "x" + "...")])
def test_long_words_are_shortened(length, shown):
    with pytest.raises(RecipeError) as raised:
        parse(f"a: !{(length - 1) * 'x'} 1", "f")
    assert raised.value.problems[0].message == f"tags are not allowed: {shown}"
