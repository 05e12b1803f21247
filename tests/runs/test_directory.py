"""Run directories: found by every kind of reference, written atomically, locked by their owner."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dlkit.errors import InputError, MissingError
from dlkit.files.atomic import write_file, write_text
from dlkit.process import runs_root
from dlkit.runs import directory as run_directory
from dlkit.runs.directory import RunDirectory, create_run, remove_run
from dlkit.runs.find import find_run, list_runs
from dlkit.runs.parents import started_from


def make_run(root, recipe, name, finished=True):
    path = root / recipe / name
    path.mkdir(parents=True)
    (path / "resolved.yaml").write_text("recipe: 1\n")
    if finished:
        (path / "metrics.json").write_text("{}")
    return path


def test_a_run_is_found_by_directory_recipe_or_nothing(tmp_path):
    old = make_run(tmp_path, "a", "20260101-000000")
    new = make_run(tmp_path, "b", "20260102-000000", finished=False)
    assert list_runs(tmp_path) == [old, new]
    assert find_run(str(old), tmp_path).path == old
    assert find_run("a", tmp_path).path == old
    assert find_run("recipes/a.yaml", tmp_path).path == old
    assert find_run("20260101-000000", tmp_path).path == old
    assert find_run(None, tmp_path).path == new
    assert find_run(None, tmp_path, finished=True).path == old
    assert find_run("b", tmp_path, finished=False).path == new


def test_a_missing_run_is_named_with_a_suggestion(tmp_path):
    with pytest.raises(MissingError, match="there is no run in"):
        find_run(None, tmp_path)
    make_run(tmp_path, "mnist_mlp", "20260101-000000")
    with pytest.raises(MissingError) as caught:
        find_run("mnist_mpl", tmp_path)
    assert "did you mean 'mnist_mlp'" in caught.value.problems[0].hint
    with pytest.raises(MissingError, match="there is no unfinished run of"):
        find_run("mnist_mlp", tmp_path, finished=False)


def test_runs_of_one_second_get_names_of_their_own(tmp_path):
    paths = {create_run(tmp_path, "a", lambda run: (run.path / "x").touch()).path for _ in range(3)}
    assert len(paths) == 3


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "x.txt"
    write_text(target, "old")

    def fail(aside):
        aside.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(MissingError, match="No space left on device"):
        write_file(target, fail)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["x.txt"]


def test_csv_keeps_full_precision(tmp_path):
    run = RunDirectory(tmp_path)
    run.write_csv("history.csv", [{"epoch": 0, "loss": 2.4019401941538843}])
    assert (tmp_path / "history.csv").read_text() == "epoch,loss\n0,2.4019401941538843\n"


def test_a_damaged_json_is_named(tmp_path):
    (tmp_path / "data.json").write_text("{")
    with pytest.raises(InputError, match=r"data\.json is damaged: Expecting property name") as caught:
        RunDirectory(tmp_path).read_json("data.json")
    assert caught.value.problems[0].hint == "restore the file or remove the run"
    assert RunDirectory(tmp_path).read_json("other.json") == {}


def test_the_lock_refuses_a_second_process_and_dies_with_its_owner(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from dlkit.runs.directory import RunDirectory\n"
        f"with RunDirectory(pathlib.Path({str(tmp_path)!r})).locked():\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout.readline() == "held\n"
    run = RunDirectory(tmp_path)
    with pytest.raises(InputError, match="another process"), run.locked():
        pass
    owner.kill()
    owner.communicate()
    with run.locked():
        pass


def test_remove_run_takes_the_empty_recipe_folder_along(tmp_path):
    first, second = make_run(tmp_path, "a", "1"), make_run(tmp_path, "a", "2")
    remove_run(RunDirectory(first), tmp_path)
    assert second.exists()
    remove_run(RunDirectory(second), tmp_path)
    assert not (tmp_path / "a").exists()


def test_only_runs_below_the_runs_folder_are_removed(tmp_path, dlkit, monkeypatch):
    """A project's folder with a resolved.yaml in it, a path that is not there, and links, are all left alone."""
    root = tmp_path / "runs"
    kept = make_run(root, "net", "1")
    project = make_run(tmp_path / "work", "project", "here")
    (project / "thesis.tex").write_text("x")
    (root / "net" / "link").symlink_to(project)
    (root / "other").symlink_to(project.parent)
    monkeypatch.chdir(project)
    for reference in (
        ".",
        project,
        project / ".",
        root / "net" / "link",
        root / "other" / "here",
        root / "net/1/../../net",
    ):
        code, _, error = dlkit("runs", "rm", reference, "--runs-dir", root)
        assert (code, "was not removed" in error or "there is no run at" in error) == (2, True) or code == 3, reference
    for gone in (tmp_path / "nowhere" / "net", "elsewhere/net", root / "net" / "2"):
        code, _, error = dlkit("runs", "rm", gone, "--runs-dir", root)
        assert code == 3
        assert f"there is no run at {gone}" in error
    assert (project / "thesis.tex").exists()
    assert kept.is_dir()
    assert dlkit("runs", "rm", kept, "--runs-dir", root).code == 0
    assert not kept.exists()


def test_a_recipe_file_and_a_name_stand_for_a_run(tmp_path):
    make_run(tmp_path, "net", "1")
    for reference in ("net", "net/", "net.yaml", "some/folder/net.yml"):
        assert find_run(reference, tmp_path).path == tmp_path / "net" / "1"


def test_json_is_written_whole(tmp_path):
    RunDirectory(tmp_path).write_json("a.json", {"x": [1.5]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": [1.5]}


def test_checkpoints_are_found_or_the_message_says_what_to_do(tmp_path):
    run = RunDirectory(make_run(tmp_path, "a", "1"))
    with pytest.raises(MissingError, match="has no checkpoint yet") as caught:
        run.checkpoint("best")
    assert caught.value.problems[0].hint == f"continue it with: {run.resume_command}"
    (run.path / "last.keras").touch()
    assert run.checkpoint("last") == run.path / "last.keras"
    with pytest.raises(MissingError, match="no best checkpoint: the recipe holds out no validation") as caught:
        run.checkpoint("best")
    assert caught.value.problems[0].hint == "use --checkpoint last"
    (run.path / "best.keras").touch()
    assert run.checkpoint("best") == run.path / "best.keras"


def test_where_runs_are_kept(monkeypatch):
    monkeypatch.setenv("DLKIT_RUNS", "elsewhere")
    assert runs_root(Path("given")) == Path("given")
    assert runs_root() == Path("elsewhere")
    monkeypatch.setenv("DLKIT_RUNS", "")
    assert runs_root() == Path("saved_models")


def test_the_lock_looks_at_the_folder_first_and_tidies_up(tmp_path):
    run = RunDirectory(make_run(tmp_path, "a", "1"))
    (run.path / ".writing-abandoned").touch()
    with run.locked():
        assert not (run.path / ".writing-abandoned").exists()
    (run.path / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="is a symbolic link out of"), run.locked():
        pass
    gone = RunDirectory(tmp_path / "a" / "2")
    with pytest.raises(MissingError, match=rf"^cannot write to {gone.path}: No such file") as caught, gone.locked():
        pass
    assert caught.value.problems[0].hint == "copy the run to a folder that you can write to"


def test_a_new_run_tidies_up_after_one_that_was_killed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".writing-abandoned").mkdir()
    run = create_run(tmp_path, "a", lambda run: (run.path / "x").touch())
    assert os.listdir(tmp_path / "a") == [run.path.name]
    assert re.fullmatch(r"\d{8}-\d{6}", run.path.name)


def test_a_thousand_runs_of_one_second_are_enough(tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(run_directory, "publish", lambda aside, folder: tried.append(folder.name))
    with pytest.raises(MissingError, match=rf"^{tmp_path / 'a'} already has 999 runs of this second"):
        create_run(tmp_path, "a", lambda run: None)
    assert len(tried) == 999
    assert [name.split("-")[2:] for name in tried[:3]] == [[], ["2"], ["3"]]
    assert os.listdir(tmp_path / "a") == []


def test_a_run_knows_its_recipe_and_whether_it_is_finished(tmp_path):
    done, open_ = (RunDirectory(make_run(tmp_path, "net", str(n), finished=n == 1)) for n in (1, 2))
    assert (done.recipe_name, done.finished, open_.finished) == ("net", True, False)
    assert done.resolved_recipe == done.path / "resolved.yaml"


@pytest.mark.parametrize(
    ("reference", "finished", "message", "hint"),
    [
        (None, False, "there is no unfinished run in {root}", "start one: dlkit train RECIPE; or pass --runs-dir"),
        (
            "net",
            False,
            "there is no unfinished run of 'net' in {root}",
            "start one: dlkit train RECIPE; or pass --runs-dir",
        ),
        ("nett", True, "there is no finished run 'nett' in {root}", "did you mean 'net'? allowed: net"),
        ("other", None, "there is no run 'other' in {root}", "allowed: net"),
    ],
)
def test_what_there_is_not_is_said_exactly(tmp_path, reference, finished, message, hint):
    make_run(tmp_path, "net", "1")
    with pytest.raises(MissingError) as caught:
        find_run(reference, tmp_path, finished=finished)
    (problem,) = caught.value.problems
    assert (problem.message, problem.hint) == (message.format(root=tmp_path), hint)


def test_without_any_run_the_hint_is_to_train(tmp_path):
    with pytest.raises(MissingError, match="no run 'net' in") as caught:
        find_run("net", tmp_path / "absent")
    assert caught.value.problems[0].hint == "train it first"


WRONG = {
    "environment.json": ["[]", "3", '{"threads": 3}', '{"overrides": {"a": 1}}', '{"versions": []}', '{"from": 3}'],
    "data.json": ["null", '{"left_out": 3}', '{"fingerprints": {"train": []}}', '{"description": "x"}'],
    "metrics.json": [
        '"x"',
        '{"training": []}',
        '{"evaluation": {"test": 3}}',
        '{"training": {"metrics": {"loss": "x"}}}',
    ],
    "repeat.json": ["[1]", '{"statistics": {"evaluation": 3}}'],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts])
def test_json_of_another_form_is_named(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=rf"{name} is damaged"):
        RunDirectory(tmp_path).read_json(name)


def test_json_of_three_thousand_levels_is_named(tmp_path):
    (tmp_path / "data.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(InputError, match=r"data\.json is damaged"):
        RunDirectory(tmp_path).read_json("data.json")


def test_names_with_line_ends_stay_in_their_row(tmp_path):
    run, names = RunDirectory(tmp_path), ["two\nlines", "a\rb", "c\r\nd", 'quo"te', "comma, x", "$\u732b", ""]
    run.write_csv("per_class_test.csv", [{"class": name, "recall": 0.5} for name in names])
    with (tmp_path / "per_class_test.csv").open(newline="", encoding="utf-8") as stream:
        assert [row["class"] for row in csv.DictReader(stream)] == names


def test_a_run_with_links_out_or_pipes_is_not_given_to_any_verb(tmp_path):
    run = make_run(tmp_path / "runs", "a", "20260101-000000")
    os.mkfifo(run / "environment.json")
    for reference in ("a", str(run), None):
        with pytest.raises(InputError, match=r"environment\.json is not a regular file"):
            find_run(reference, tmp_path / "runs")
    with pytest.raises(InputError, match="is not a regular file"):
        RunDirectory(run).read_json("environment.json")
    (run / "environment.json").unlink()
    (run / "environment.json").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="is a symbolic link out of"):
        find_run("a", tmp_path / "runs")


def test_a_parent_with_links_out_is_not_opened(tmp_path):
    run, parent = (make_run(tmp_path / "runs", "a", f"2026010{day}-000000") for day in (1, 2))
    (parent / "last.keras").symlink_to("/etc/passwd")
    write_text(run / "environment.json", json.dumps({"from": str(parent)}))
    with pytest.raises(InputError, match="is a symbolic link out of"):
        started_from(RunDirectory(run))
