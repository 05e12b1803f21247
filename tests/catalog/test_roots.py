"""Components of installed packages: found by their entry point, checked, built, and named when they are wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "plugin_package"
RECIPE = """
recipe: 1
name: tower_net
task: classification
data:
  source: digits
  validation: {fraction: 0.2, seed: 0}
  preprocess: [Rescaling: {scale: 1/16}]
model:
  tower: {depth: 1, units: 8}
training: {epochs: 1, optimizer: Adam}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder into which the package is installed, as pip does it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    wheel = subprocess.run([*command, "--target", str(folder), str(PACKAGE)], capture_output=True, text=True)
    assert wheel.returncode == 0, wheel.stderr
    return folder


@pytest.fixture
def dlkit(site, tmp_path):
    """Run a verb in a process that sees the installed package."""
    (tmp_path / "tower_net.yaml").write_text(RECIPE)

    def run(*arguments):
        environment = os.environ | {"PYTHONPATH": str(site), "DLKIT_RUNS": str(tmp_path / "runs")}
        command = [sys.executable, "-m", "dlkit", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


def test_an_installed_package_adds_components(dlkit):
    done = dlkit("list", "models", "--json")
    entries = {entry["name"]: entry["description"] for entry in json.loads(done.stdout)}
    assert entries["tower"] == "A tower of Dense layers under a softmax head."
    wrong = dlkit("validate", "tower_net.yaml", "--set", "model.tower.dept=3")
    assert wrong.returncode == 2
    assert "did you mean 'depth'?" in wrong.stderr
    done = dlkit("train", "tower_net.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["recipe"] == "tower_net"


def test_a_type_that_settings_do_not_know_is_named(dlkit, site, tmp_path):
    file = site / "dlkit_towers/models/odd.py"
    file.write_text('def odd(inputs, targets, *, size: Size = 1):\n    """Odd."""\n')
    try:
        recipe = RECIPE.replace("tower: {depth: 1, units: 8}", "odd: {size: 2}")
        (tmp_path / "odd.yaml").write_text(recipe)
        done = dlkit("validate", "odd.yaml")
    finally:
        file.unlink()
    assert done.returncode == 2
    assert "model odd: the type of setting 'size', Size, is not supported" in done.stderr
    assert "use only: Annotated, Any" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_that_is_taken_is_named(dlkit, site):
    file = site / "dlkit_towers/models/alexnet.py"
    file.write_text('def alexnet(inputs, targets):\n    """Another."""\n')
    try:
        done = dlkit("list", "models")
    finally:
        file.unlink()
    assert done.returncode == 2
    assert "alexnet.py has the same name as an existing model" in done.stderr
