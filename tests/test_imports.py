"""Imports go one way, and no verb imports TensorFlow before it needs it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "dlkit"
COMPONENTS = {
    *("datasets", "models", "layers", "losses", "metrics", "callbacks", "schedules", "initializers"),
    *("augment", "corrupt", "tasks", "exporters", "figures"),
}
STAGES = {"input_pipeline", "compiled_model", "layer_table", "training", "training_run", "evaluation", "exporting"}
HEAVY = ("tensorflow", "keras", "tensorflow_datasets", "sklearn")


def imports_of(path):
    """The dlkit modules that a file imports anywhere in it, as the parts of their dotted names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {(*node.module.split("."), alias.name) for alias in node.names}
    return {parts[1] for parts in found if parts[0] == "dlkit" and len(parts) > 1}


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    imported = imports_of(path)
    if part not in ("cli", "__main__"):
        assert not imported & {"cli", "console"} - ({"console"} if part == "console" else set())
    if part in COMPONENTS:
        assert not imported & STAGES
    if part in ("recipe", "components", "_signatures", "_keras_types", "errors"):
        allowed = {"recipe", "components", "_signatures", "_keras_types", "errors", *COMPONENTS}
        assert imported - {"__version__"} <= allowed


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


@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
def test_verb_imports_nothing_heavy(arguments, tmp_path):
    code = f"""
import sys
sys.argv = ["dlkit", *{arguments!r}]
from dlkit.cli import main
try:
    main()
except SystemExit as stopped:
    assert not stopped.code, stopped.code
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    assert run(code, cwd=tmp_path) == "[]"


def test_help_imports_neither_pydantic_nor_yaml(tmp_path):
    code = "import sys, dlkit.cli; print([n for n in ('pydantic', 'ruamel.yaml', 'numpy') if n in sys.modules])"
    assert run(code, cwd=tmp_path) == "[]"
