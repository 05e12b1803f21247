"""Imports go one way, and no verb imports TensorFlow before it needs it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "dlkit"
HEAVY = ("tensorflow", "keras", "tensorflow_datasets", "sklearn")


@pytest.fixture
def copy(tmp_path):
    """A copy of the package's sources with the project's import contracts."""
    shutil.copytree(PACKAGE, tmp_path / "dlkit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder):
    """Exit code and output of import-linter on a copy."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*command, "--no-cache"], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_the_contracts_hold(copy):
    code, text = lint(copy)
    assert code == 0, text
    assert "Contracts: 2 kept, 0 broken." in text


def test_an_upward_import_and_a_circle_inside_a_folder_fail(copy):
    with (copy / "dlkit/data/splits.py").open("a") as file:
        file.write("\n\ndef late():\n    from dlkit.training.loop import Training\n\n    return Training\n")
    with (copy / "dlkit/recipe/scalars.py").open("a") as file:
        file.write("\n\ndef late():\n    from dlkit.recipe.reader import parse\n\n    return parse\n")
    code, text = lint(copy)
    assert code == 1
    assert "dlkit.data is not allowed to import dlkit.training" in text
    assert "No circles between siblings, at any depth BROKEN" in text
    assert ".scalars -> .reader (1 import)" in text


def test_an_unlisted_folder_fails(copy):
    (copy / "dlkit/gadgets").mkdir()
    (copy / "dlkit/gadgets/__init__.py").write_text("")
    code, text = lint(copy)
    assert code == 1
    assert "gadgets" in text


def run(code, *, cwd):
    environment = {"PYTHONPATH": str(PACKAGE.parent), "PATH": "", "HOME": str(cwd)}
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


VERBS = (
    ["--help"],
    ["--version"],
    ["train", "--help"],
    ["list"],
    ["list", "layers"],
    ["validate"],
    ["schema"],
    ["new", "net", "--from", "digits_mlp"],
)


def test_verbs_import_nothing_heavy(tmp_path):
    """One process for all of them: what one has not imported, none before it has."""
    code = f"""
import sys
from dlkit.cli import main
for arguments in {VERBS!r}:
    sys.argv = ["dlkit", *arguments]
    try:
        main()
    except SystemExit as stopped:
        assert not stopped.code, (arguments, stopped.code)
    heavy = [name for name in {HEAVY!r} if name in sys.modules]
    assert not heavy, (arguments, heavy)
print("all")
"""
    assert run(code, cwd=tmp_path) == "all"


def test_help_imports_neither_pydantic_nor_yaml(tmp_path):
    code = "import sys, dlkit.cli; print([n for n in ('pydantic', 'ruamel.yaml', 'numpy') if n in sys.modules])"
    assert run(code, cwd=tmp_path) == "[]"
