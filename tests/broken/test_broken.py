"""Every broken recipe and command line of the corpus: exact message, location, hint and exit code, no traceback."""

import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dlkit.catalog.find import identifiers, names
from dlkit.catalog.kinds import NAMESPACES
from dlkit.recipe import shipped_recipes

HERE = Path(__file__).parent
BASE = (HERE / "base.yaml").read_text(encoding="utf-8")
CASES = YAML(typ="safe").load((HERE / "corpus.yaml").read_text(encoding="utf-8"))
FOLDERS = {space.folder: namespace for namespace, space in NAMESPACES.items()}


@pytest.fixture
def workplace(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin1.yaml").write_bytes("# é\nname: café".encode("latin1"))
    with (tmp_path / "huge.yaml").open("wb") as stream:
        stream.truncate(100_000_000)
    (tmp_path / "broken.yaml").write_text(BASE, encoding="utf-8")
    return tmp_path


def listed(match):
    """What a hint shows for <datasets>, <recipes> or <losses and words>."""
    kind, _, words = match[1].partition(" and ")
    allowed = list(shipped_recipes()) if kind == "recipes" else names(FOLDERS[kind])
    allowed += identifiers(FOLDERS[kind]) if words else []
    return ", ".join(allowed) if len(allowed) <= 40 else f"{len(allowed)} names, see `dlkit list {kind}`"


def arguments_of(case, folder):
    if "command" in case:
        return shlex.split(case["command"])
    if "text" in case:
        text = case["text"]
    else:
        old, new = case["replace"]
        assert BASE.count(old) == 1
        text = BASE.replace(old, new)
    (folder / "broken.yaml").write_text(text, encoding="utf-8")
    return ["validate", "broken.yaml", *(["--build"] if case.get("build") else [])]


def test_base_recipe_is_intact(workplace, dlkit):
    assert dlkit("validate", "broken.yaml") == (0, "ok  broken.yaml\n", "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"].replace(" ", "-"))
def test_broken(case, workplace, dlkit):
    code, out, error = dlkit(*arguments_of(case, workplace))
    assert (code, out) == (case["exit"], "")
    assert "Traceback" not in error
    if "includes" in case:
        assert case["includes"] in " ".join(error.split())
    else:
        assert error == re.sub(r"<([a-z]+(?: and words)?)>", listed, case["says"])


def test_corpus_is_large_and_names_are_unique():
    assert len(CASES) >= 75
    assert len({case["name"] for case in CASES}) == len(CASES)
