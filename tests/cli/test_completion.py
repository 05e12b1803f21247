"""Shell completion, which a user asks for with a script and which costs nothing otherwise."""

import subprocess
import sys

import pytest

from dlkit.cli._options import complete_recipes
from dlkit.cli.completion import SHELLS
from dlkit.recipe import shipped_recipes


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_for_each_shell(dlkit, shell):
    done = dlkit("completion", shell)
    assert (done.code, done.error) == (0, "")
    assert "_DLKIT_COMPLETE" in done.out
    assert "dlkit" in done.out


def test_an_unknown_shell(dlkit):
    done = dlkit("completion", "bsh")
    assert (done.code, done.error.splitlines()[0]) == (2, "error: unknown shell 'bsh'")
    assert "did you mean 'bash'?" in done.error


def test_recipes_and_recipe_files_are_completed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for name in ("mnist_mine.yaml", "other.yml", "notes.txt", "mine/net.yaml"):
        (tmp_path / name).touch()
    assert complete_recipes("mnist_m") == [n for n in shipped_recipes() if n.startswith("mnist_m")] + [
        "mnist_mine.yaml"
    ]
    assert complete_recipes("oth") == ["other.yml"]
    assert complete_recipes("mine/") == ["mine/net.yaml"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [("dlkit tra", {"train"}), ("dlkit train digits_", {"digits_mlp"}), ("dlkit train --resu", {"--resume"})],
)
def test_the_program_answers_a_shell(words, expected, tmp_path):
    number = str(len(words.split()) - 1)
    asked = {"_DLKIT_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": number}
    command = [sys.executable, "-c", "from dlkit.cli import main; main()"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join(sys.path), "HOME": str(tmp_path)} | asked,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) == expected
