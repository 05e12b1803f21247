"""dlkit repeat: options reach every child, and a seed that fails is the exit code."""

import json
import sys

import pytest

CONDITIONS = {"DLKIT_OFFLINE": "1", "DLKIT_DETERMINISTIC": "1", "DLKIT_THREADS": "3"}
CHILD = """
import json, os, sys
with open({log!r}, "a") as log:
    print(json.dumps([sys.argv[1:], {{name: os.environ.get(name) for name in {conditions}}}]), file=log)
if {code}:
    sys.exit({code})
print(json.dumps({{"run": "runs/0", "metrics": {{"accuracy": 0.5}}}}))
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Put a stand-in that ends with `code` in dlkit's place; gives the file of its calls."""

    def install(code=0):
        log = tmp_path / "calls"
        text = CHILD.format(log=str(log), code=code, conditions=list(CONDITIONS))
        monkeypatch.setattr("dlkit.experiments.children.COMMAND", (sys.executable, "-c", text))
        return log

    return install


def test_options_reach_the_children(dlkit, child, tmp_path, monkeypatch):
    for name in CONDITIONS:
        monkeypatch.setenv(name, "")  # and is put back to what it was
    log = child()
    options = ("--offline", "--deterministic", "--threads", 3)
    result = dlkit("repeat", "digits_mlp", "--seeds", 2, *options, "--runs-dir", tmp_path, "--json")
    assert result.code == 0
    content = json.loads(result.out)
    assert content["file"] == str(tmp_path / "digits_mlp" / "repeat.json")
    assert content["statistics"]["evaluation"]["accuracy"]["mean"] == 0.5
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    assert [words[0] for words, _ in calls] == ["train", "evaluate"] * 2
    assert all(conditions == CONDITIONS for _, conditions in calls)


def test_a_failed_seed_is_exit_code_1(dlkit, child, tmp_path):
    child(code=3)
    result = dlkit("repeat", "digits_mlp", "--seeds", 1, "--runs-dir", tmp_path)
    assert result.code == 1
    assert "seed 0 failed: train ended with exit code 3" in result.out


def test_an_interrupted_child_interrupts_all(dlkit, child, tmp_path):
    log = child(code=130)
    assert dlkit("repeat", "digits_mlp", "--seeds", 3, "--runs-dir", tmp_path).code == 130
    assert len(log.read_text().splitlines()) == 1
    assert not (tmp_path / "digits_mlp").exists()
