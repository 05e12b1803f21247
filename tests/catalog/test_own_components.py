"""The worked example of docs/new_classifier.md: a builder and a recipe in a folder of one's own, on the whole path."""

import json
import os
import re
from pathlib import Path

import pytest

from dlkit.catalog import find as components

PAGE = (Path(__file__).parents[2] / "docs/new_classifier.md").read_text(encoding="utf-8")

START = "def tower(inputs, targets):\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The page's files, and an environment that is put back afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLKIT_COMPONENTS", "")
    [builder] = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    [recipe] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "mine/models").mkdir(parents=True)
    (tmp_path / "mine/models/tower.py").write_text(builder)
    (tmp_path / "tower.yaml").write_text(recipe)
    yield tmp_path
    components.forget()


@pytest.fixture
def dlkit(dlkit, monkeypatch, tmp_path):
    """Run the command line in this process, with nothing known of the components of an earlier one."""

    def run(*arguments):
        os.environ["DLKIT_COMPONENTS"] = ""
        components.forget()
        return dlkit(*arguments)

    monkeypatch.setenv("DLKIT_RUNS", str(tmp_path / "runs"))
    return run


def test_the_commands_of_the_page_work(folder, dlkit):
    [block] = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines():
        code, out, err = dlkit(*line.split()[1:])
        assert code == 0, (line, out, err)
    code, _, err = dlkit("evaluate", "tower")
    assert code == 2
    assert "unknown model 'tower'" in err
    assert "--components DIR with models/ in it" in err


def test_settings_of_an_own_builder_are_checked_and_listed(folder, dlkit):
    code, out, _ = dlkit("validate", "tower.yaml", "--components", "mine", "--set", "model.tower.filters=0", "--json")
    assert code == 2
    assert "greater than" in json.loads(out)[0]["message"] or "at least 1" in json.loads(out)[0]["message"]
    code, out, _ = dlkit("list", "models", "--components", "mine", "--json")
    assert "tower" in [entry["name"] for entry in json.loads(out)]
    code, out, _ = dlkit("list", "models", "--json")
    assert "tower" not in [entry["name"] for entry in json.loads(out)]


def test_mistakes_with_folders_are_explained(folder, dlkit):
    code, _, err = dlkit("validate", "tower.yaml", "--components", "nowhere")
    assert code == 2
    assert "there is no folder nowhere" in err
    code, _, err = dlkit("validate", "tower.yaml", "--components", "mine/models")
    assert code == 2
    assert "contains no component folders\n  did you mean mine?" in err
    (folder / "mine/models/alexnet.py").write_text("")
    code, _, err = dlkit("validate", "tower.yaml", "--components", "mine")
    assert code == 2
    assert "alexnet.py has the same name as an existing model" in err
    (folder / "mine/models/alexnet.py").unlink()
    (folder / "mine/models/tower.py").write_text(
        "import nothing_like_it\n\n\ndef tower(inputs, targets, *, filters: int = 1):\n    pass\n"
    )
    code, _, err = dlkit("summary", "tower.yaml", "--components", "mine")
    assert code == 2
    assert re.search(r"cannot import \S*tower\.py: No module named", err)


@pytest.mark.parametrize(
    ("text", "verb", "message"),
    [
        ("def tower(:\n    pass\n", "validate", r"tower\.py:1 is not Python: invalid syntax"),
        ("def other(inputs, targets):\n    pass\n", "validate", r"tower\.py has no function or class tower or Tower"),
        (
            "def tower(inputs, targets):\n    return 1 / 0\n",
            "summary",
            r"fails in \S*tower\.py:2: ZeroDivisionError: div",
        ),
        (
            "def tower(inputs, targets):\n    return 7\n",
            "summary",
            "the builder of tower returns int, not a keras.Model",
        ),
    ],
)
def test_mistakes_in_a_file_are_one_message_with_its_line(folder, dlkit, text, verb, message):
    (folder / "mine/models/tower.py").write_text(text)
    code, out, err = dlkit(verb, "tower.yaml", "--components", "mine", "--set", "model=tower")
    assert code == 2, (out, err)
    assert re.search(message, err), err
