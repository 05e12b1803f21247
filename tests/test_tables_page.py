"""docs/tables.md, command by command, in an empty folder with the tables and the recipe that it prints."""

import json
import re
import shlex
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "tables.md").read_text(encoding="utf-8")


def block(language, number=0):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)[number]


def test_the_page_is_true(tmp_path, monkeypatch, reload_here, dlkit):
    monkeypatch.setenv("DLKIT_RUNS", str(tmp_path / "runs"))
    (tmp_path / "flats.csv").write_text(block("csv"))
    (tmp_path / "new.csv").write_text(block("csv", 1))
    assert dlkit(*shlex.split(block("sh"))[1:]).code == 0
    (tmp_path / "flats.yaml").write_text(block("yaml"))
    for command in block("sh", 1).splitlines():
        result = dlkit(*shlex.split(command)[1:])
        assert result.code == 0, f"{command}: {result}"
        if command.startswith("dlkit predict"):
            assert re.search(r"new\.csv:2 .*no", result.out)
            assert re.search(r"new\.csv:3 .*yes", result.out)
    (run,) = (tmp_path / "runs" / "flats").iterdir()
    table = json.loads((run / "data.json").read_text())["description"]["table"]
    assert [column["categories"] for column in table["columns"]] == [[], [], ["north", "south", "west"]]
    assert list(run.glob("exports/saved_model/flats/1/certificate.json"))


def test_without_its_keys_the_recipe_says_what_is_missing(tmp_path, dlkit):
    (tmp_path / "flats.csv").write_text(block("csv"))
    for key, says in {
        "features": "flats.csv:2: column 'address' contains text, such as '1 Elm Street'",
        "categories": "flats.csv:2: column 'district' contains text",
        "missing": "flats.csv:4: column 'rooms' has no value (empty), nor has another row",
    }.items():
        lines = [line for line in block("yaml").splitlines() if not line.strip().startswith(f"{key}:")]
        (tmp_path / "flats.yaml").write_text("\n".join(lines))
        result = dlkit("data", "flats.yaml")
        assert result.code == 2
        assert says in result.error
