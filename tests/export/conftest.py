"""Converters in this process."""

import runpy
import subprocess
from types import SimpleNamespace

import pytest


@pytest.fixture
def convert_here(monkeypatch, reload_here):
    """Run converters in this process: the same files without another start of TensorFlow."""

    def run(command, **_):
        runpy.run_path(command[2])["main"](*command[3:])
        return subprocess.CompletedProcess(command, 0, "", "")

    fake = SimpleNamespace(run=run, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr("dlkit.components.exporters._conversion.subprocess", fake)
