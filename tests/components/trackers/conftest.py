"""A run as trackers are told of it, and small stand-ins for packages that the tests do not install."""

import sys

import pytest

from dlkit.interfaces.tracker import TrackedRun


@pytest.fixture
def tracked(tmp_path):
    """Return a function that describes a run, always with the same folder."""

    def run(offline=False, **settings):
        (tmp_path / "run").mkdir(exist_ok=True)
        return TrackedRun("digits_mlp", "20260101-120000", tmp_path / "run", settings, offline)

    return run


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a function that puts a package of one file, and empty submodules of it, on the path for this test."""

    def install(name, source, *submodules):
        package = tmp_path / "packages" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(source)
        for submodule in submodules:
            (package / f"{submodule}.py").write_text(f"from {name} import *\n")
        monkeypatch.syspath_prepend(package.parent)

    yield install
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mlflow", "wandb")]:
        del sys.modules[name]
