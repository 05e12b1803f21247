"""Commands that are printed work when they are pasted."""

import shlex

from dlkit import process


def test_a_printed_command_is_quoted_and_has_the_folders_that_were_given(monkeypatch):
    monkeypatch.setattr(process, "_given", {})
    monkeypatch.setenv("DLKIT_COMPONENTS", "/of/the/shell")
    monkeypatch.setenv("TFDS_DATA_DIR", "/of/the/shell")
    path = "my runs/it's"
    assert shlex.split(process.command("evaluate", path)) == ["dlkit", "evaluate", path]
    process.set_variable("DLKIT_COMPONENTS", "my parts")
    process.set_variable("TFDS_DATA_DIR", "/data")
    given = ["--components", "my parts"]
    assert shlex.split(process.command("predict", path)) == ["dlkit", "predict", path, *given]
    assert shlex.split(process.command("train", path)) == ["dlkit", "train", path, *given, "--data-dir", "/data"]
