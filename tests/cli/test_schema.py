"""dlkit schema."""

import json


def test_schema_is_one_json_object(dlkit):
    result = dlkit("schema")
    schema = json.loads(result.out)
    assert (result.code, result.error) == (0, "")
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["recipe", "name", "task", "data", "model", "training"]
    assert schema["$defs"]["layer.Dense"]["required"] == ["units"]
    assert "test_fraction" in schema["$defs"]["dataset.digits"]["properties"]


def test_every_reference_is_defined(dlkit):
    text = dlkit("schema").out
    defined = json.loads(text)["$defs"]
    for line in text.splitlines():
        if '"$ref"' in line:
            assert line.split('"#/$defs/')[1].split('"')[0] in defined
