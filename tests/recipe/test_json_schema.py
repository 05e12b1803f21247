"""The JSON Schema: it takes every shipped recipe and refuses what the checks refuse."""

import copy
import re

import pytest

from dlkit.recipe import load_recipe, shipped_recipes
from dlkit.recipe.json_schema import json_schema

SCHEMA = json_schema()
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_of(kind, value):
    if kind in ("integer", "number"):
        return isinstance(value, int if kind == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, KINDS[kind])


def takes(schema, value):
    """Whether a value follows a schema, for the keywords that ours uses."""
    if schema is True or schema == {}:
        return True
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return takes(SCHEMA["$defs"][name], value)
    checks = [
        "type" not in schema or any(is_of(k, value) for k in _list(schema["type"])),
        "enum" not in schema or value in schema["enum"],
        "const" not in schema or value == schema["const"],
        "anyOf" not in schema or any(takes(item, value) for item in schema["anyOf"]),
    ]
    if isinstance(value, dict):
        checks += list(_object_checks(schema, value))
    if isinstance(value, list) and "items" in schema:
        checks += [takes(schema["items"], item) for item in value[len(schema.get("prefixItems", [])) :]]
    if isinstance(value, list):
        checks += [takes(item, entry) for item, entry in zip(schema.get("prefixItems", []), value, strict=False)]
        checks += [schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))]
    if is_of("number", value):
        checks += [
            value >= schema.get("minimum", value),
            value <= schema.get("maximum", value),
            "exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"],
            "exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"],
        ]
    if isinstance(value, str) and "pattern" in schema:
        checks.append(re.search(schema["pattern"], value) is not None)
    return all(checks)


def _list(value):
    return value if isinstance(value, list) else [value]


def _object_checks(schema, value):
    properties, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    yield all(key in value for key in schema.get("required", []))
    yield schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value))
    for key, item in value.items():
        yield takes(properties[key], item) if key in properties else rest is not False and takes(rest, item)


@pytest.mark.parametrize("name", shipped_recipes())
def test_takes_shipped_recipes(name):
    assert takes(SCHEMA, load_recipe(name).plain)


def edited(path, value):
    data = here = copy.deepcopy(load_recipe("digits_mlp").plain)
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    return data


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("data", "preprocess"), [{"Rescaling": {"scale": "1/255"}}, "Flatten"]),
        (("data", "validation"), "none"),
        (("model",), {"sequential": {"layers": [{"Bidirectional": {"layer": {"LSTM": {"units": 4}}}}]}}),
        (("model",), {"sequential": {"layers": [{"Dense": {"units": 4, "activation": "relu"}}]}}),
        (("model",), {"sequential": {"layers": [{"Dense": {"units": 4, "kernel_initializer": "he_normal"}}]}}),
        (("training", "optimizer"), "Adam"),
        (("training", "optimizer"), {"Adam": None}),
        (("task",), {"classification": {"loss": "mse", "metrics": ["Precision"]}}),
    ],
)
def test_takes(path, value):
    assert takes(SCHEMA, edited(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("author",), "me"),
        (("training", "epoch"), 1),
        (("training", "epochs"), "ten"),
        (("training", "epochs"), 0),
        (("training", "precision"), "float16"),
        (("training", "optimizer"), "Adm"),
        (("training", "optimizer"), {"Adam": {"lr": 0.1}}),
        (("training", "optimizer"), {"Adam": {}, "SGD": {}}),
        (("data", "source"), {"digts": {}}),
        (("data", "source"), {"digits": {"test_fraction": 2}}),
        (("model",), {"sequential": {"layers": [{"Dense": {"unit": 4}}]}}),
        (("model",), {"sequential": {"layers": [{"Dense": {"units": 4, "activation": "rellu"}}]}}),
        (("model",), {"sequential": {"layers": [{"Bidirectional": {"layer": {"LSMT": {"units": 4}}}}]}}),
    ],
)
def test_refuses(path, value):
    assert not takes(SCHEMA, edited(path, value))


def test_the_dialect_is_named():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("key", "name", "word", "taken"),
    [
        ("layer", "Bidirectional", "dense", False),
        ("layer", "Bidirectional", "LSTM", True),
        ("kernel_initializer", "Dense", "he_normal", True),
        ("activation", "Dense", "relu", True),
        ("activation", "Dense", "l2", False),
    ],
)
def test_words_of_keras_are_offered_where_keras_takes_them(key, name, word, taken):
    assert takes(SCHEMA["$defs"][f"layer.{name}"]["properties"][key], word) is taken
