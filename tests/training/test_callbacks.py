"""Callbacks of a recipe reach neither the network nor a file outside the run."""

import re

import pytest

from dlkit.errors import RecipeError
from dlkit.recipe import load_recipe
from dlkit.recipe.checks import is_inside
from dlkit.training.run import train_recipe


def with_callbacks(*callbacks):
    return ["training.epochs=1", f"training.callbacks=[{', '.join(callbacks)}]"]


@pytest.mark.parametrize(
    ("callback", "reason"),
    [
        ("RemoteMonitor: {root: 'http://127.0.0.1:9'}", "it sends metrics over the network"),
        ("BackupAndRestore: {backup_dir: kept}", "it deletes folders"),
        ("OrbaxCheckpoint: {directory: kept}", "it writes its own folders"),
    ],
)
def test_callbacks_that_send_or_delete_are_refused(callback, reason):
    name = callback.split(":")[0]
    with pytest.raises(RecipeError, match=f"callback {name} is not allowed in recipes") as caught:
        load_recipe("digits_mlp", with_callbacks(callback))
    assert caught.value.problems[0].hint.startswith(reason)


OUTSIDE = ("/tmp/x.csv", "../x.csv", "a/../../x.csv", "~/.bashrc", "gs://bucket/x", "file:///x", "..\\x", "C:\\x", "")


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize(
    "callback", ["CSVLogger: {filename: ", "ModelCheckpoint: {filepath: ", "TensorBoard: {log_dir: "]
)
def test_paths_out_of_the_run_are_refused(callback, path):
    overrides = with_callbacks(callback + f"'{path}'" + "}")
    with pytest.raises(RecipeError, match=re.escape(f"{path!r} is not a path inside the run")):
        load_recipe("digits_mlp", overrides)


@pytest.mark.parametrize("path", ["x.csv", "logs/x.csv", "a.b/{epoch:02d}.keras", "..x/y", "x..y"])
def test_paths_inside_the_run_are_allowed(path):
    assert is_inside(path)


def test_what_callbacks_write_lies_in_the_run(tmp_path, reporter, monkeypatch):
    """Wherever the process runs, and whatever lies there under the same name."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    callbacks = (
        "CSVLogger: {filename: logs/epochs.csv}",
        "ModelCheckpoint: {filepath: 'kept/{epoch}.weights.h5', save_weights_only: true}",
    )
    loaded = load_recipe("digits_mlp", with_callbacks(*callbacks))
    run = train_recipe(loaded, tmp_path / "runs", reporter).run
    assert (run.path / "logs" / "epochs.csv").read_text().startswith("epoch,accuracy,")
    assert [path.name for path in (run.path / "kept").iterdir()] == ["1.weights.h5"]
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize(
    "path",
    [
        "{epoch!s:.>2.0}/{epoch!s:.>2.0}/x.keras",  # Keras would make ../../x.keras of it
        "{epoch:/>3}.keras",
        "{epoch.__class__}.keras",
        "{epoch:99999999999}.keras",
        "{{x}}.keras",
        "{",
    ],
)
def test_fields_in_a_path_are_names_and_numbers(path):
    assert not is_inside(path)


def test_fields_of_metrics_are_allowed():
    assert is_inside("checkpoints/{epoch:03d}-{val_loss:.4f}-{accuracy}.keras")


@pytest.mark.parametrize("vocabulary", ["/etc/passwd", "gs://bucket/words.txt"])
def test_a_layer_reads_no_file_that_a_recipe_names(vocabulary, tmp_path):
    layer = f"[{{StringLookup: {{vocabulary: '{vocabulary}'}}}}]"
    with pytest.raises(RecipeError, match="vocabulary names a file"):
        load_recipe("digits_mlp", [f"model.sequential.layers={layer}"])
