"""What newcomers type: a file for a folder, a recipe for a run, a run by its name, another recipe's run."""

import json
import shutil

import pytest

from dlkit.recipe import load_recipe

FOLDER = "data.source.image_folder.directory"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["runs", "list", "--runs-dir", "none"], 3, "no such folder: none"),
        (["list", "runs", "--runs-dir", "a.csv"], 2, "a.csv is a file, not a folder"),
        (["new", "digits_mlp", "--from", "digits_mlp"], 2, "digits_mlp is the name of a shipped recipe"),
        (
            ["data", "image_folder_cnn", "--set", "data.source.image_folder.directory=a.csv"],
            2,
            "is a file, not a folder",
        ),
        (["data", "wine_csv", "--set", "data.source={csv: {file: folder, target: y}}"], 2, "is a folder, not a file"),
        (["data", "wine_csv", "--set", "data.source={csv: {file: a.csv, target: y}}"], 2, "a.csv:3 is not a readable"),
        (["inspect", "nothing"], 3, "no such file or folder: nothing"),
    ],
)
def test_mistakes_have_one_message_and_their_code(dlkit, tmp_path, words, code, message):
    (tmp_path / "a.csv").write_text('x,y\n1,p\n2,"q\n3,p\n4,q\n')
    (tmp_path / "folder").mkdir()
    done = dlkit(*words)
    assert (done.code, message in done.error) == (code, True), done.error


def test_a_recipe_without_a_run_says_how_to_train_it(dlkit, tmp_path, trained_run):
    shutil.copytree(trained_run.path, tmp_path / "runs/digits_mlp/one")
    shutil.copy(load_recipe("wine_csv").path, tmp_path / "mine.yaml")
    done = dlkit("evaluate", "mine.yaml", "--runs-dir", tmp_path / "runs")
    assert done.code == 3
    assert "train it first: dlkit train mine.yaml; there are runs of digits_mlp" in done.error


def test_a_run_is_named_as_everywhere(dlkit, tmp_path, trained_run, monkeypatch):
    shutil.copytree(trained_run.path, tmp_path / "runs/my_own/one")
    monkeypatch.setenv("DLKIT_RUNS", str(tmp_path / "runs"))
    for name in ("my_own", "my_own/one"):
        assert "4,810" in dlkit("summary", name).out
    assert json.loads(dlkit("inspect", "my_own", "--json").out)["path"] == str(tmp_path / "runs/my_own/one")
    assert dlkit("summary", "my_onw").code == 2


def test_a_run_of_another_recipe_is_not_continued(dlkit, tmp_path, trained_run):
    shutil.copytree(trained_run.path, tmp_path / "runs/digits_mlp/one")
    done = dlkit("train", "wine_csv", "--resume", "--run", "digits_mlp/one", "--runs-dir", tmp_path / "runs")
    assert done.code == 2
    assert "is a run of the recipe digits_mlp, not of wine_csv" in done.error
