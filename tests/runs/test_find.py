"""The latest run is the one that started last, whatever its name; names for deletion are exact."""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from dlkit.errors import InputError, MissingError
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import find_run, find_trained, list_runs, next_start, passed_over, started
from dlkit.runs.listing import describe


@pytest.fixture
def make(tmp_path):
    """Write a run with a name and a start time."""

    def run(recipe, name, start=None, finished=True):
        path = tmp_path / recipe / name
        path.mkdir(parents=True)
        (path / "resolved.yaml").write_text("recipe: 1\n")
        if start is not None:
            (path / "environment.json").write_text(json.dumps({"started": start}))
        if finished:
            (path / "metrics.json").write_text('{"training": {"metrics": {"loss": 0.5}, "epochs": 3}}')
            (path / "last.keras").touch()
        return RunDirectory(path)

    return run


def test_the_latest_is_the_one_that_started_last(make, tmp_path):
    tokyo = make("a", "20260101-090000", "2026-01-01T00:00:00+00:00")
    utc = make("a", "20260101-000100", "2026-01-01T00:01:00+00:00")
    summer = make("b", "20251231-235900", "2026-01-01T02:00:00.5+01:00")
    assert [run.path for run in (tokyo, utc, summer)] == list_runs(tmp_path)
    assert find_run("a", tmp_path) == utc
    assert find_run(None, tmp_path) == summer


def test_a_run_of_an_older_version_is_dated_by_its_name(make, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert started(make("a", "20260101-090000-2").path) == datetime(2026, 1, 1, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()
    other = make("a", "copy").path
    os.utime(other / "resolved.yaml", (1000, 1000))
    assert started(other) == datetime.fromtimestamp(1000, UTC)
    (other / "environment.json").write_text("[" * 9999)
    assert started(other) == datetime.fromtimestamp(1000, UTC)


def test_a_clock_that_was_set_back_changes_no_order(make, tmp_path):
    assert abs((datetime.fromisoformat(next_start(tmp_path)) - datetime.now(UTC)).total_seconds()) < 60
    make("a", "1", "2999-01-01T00:00:00+00:00")
    assert next_start(tmp_path) == "2999-01-01T00:00:00.000001+00:00"


def test_finished_runs_are_taken_and_newer_unfinished_ones_are_named(make, tmp_path):
    done = make("a", "1", "2026-01-01T00:00:00+00:00")
    newer = make("a", "2", "2026-01-02T00:00:00+00:00", finished=False)
    for reference in (None, "a"):
        assert find_trained(reference, tmp_path) == done
        note = f"using {done.path}, the latest finished run; a newer one is unfinished: {newer.resume_command}"
        assert passed_over(done, reference, tmp_path) == note
    assert passed_over(done, str(done.path), tmp_path) is None
    for reference in (str(newer.path), "2", "a/2"):
        with pytest.raises(MissingError, match="2 has no checkpoint yet: its training has not finished"):
            find_trained(reference, tmp_path)


def test_only_exact_names_are_deleted(make, tmp_path, dlkit):
    runs = [make(recipe, name) for recipe, name in (("a", "1"), ("a", "2"), ("b", "2"), ("b", "3"))]
    for reference, listed in (("a", "a/1, a/2"), ("2", "a/2, b/2"), ("b.yaml", "b/2, b/3")):
        code, _, error = dlkit("runs", "rm", reference, "--runs-dir", tmp_path)
        assert (code, f"give its exact name: {listed}" in error) == (2, True)
    assert all(run.path.exists() for run in runs)
    code, _, error = dlkit("runs", "rm", "b/2", "1", "--runs-dir", tmp_path)
    assert (code, error) == (0, f"removed b/2\nremoved {tmp_path / 'a/1'}\n")
    assert list_runs(tmp_path) == [runs[1].path, runs[3].path]
    assert dlkit("runs", "rm", "c", "--runs-dir", tmp_path).code == 3


def test_runs_are_listed_and_shown_with_fields(make, tmp_path, dlkit):
    run = make("a", "1", "2026-01-01T00:00:00+00:00")
    open_ = make("a", "2", "2026-01-02T00:00:00+00:00", finished=False)
    (open_.path / "history.csv").write_text("epoch,loss\n0,0.5\n1,0.4\n")
    (open_.path / "environment.json").write_text(
        '{"started": "2026-01-02T01:00:00+01:00", "from": "x", "overrides": ["a=1"]}'
    )
    expected = [
        {
            "name": str(run.path),
            "description": "loss 0.5000",
            "recipe": "a",
            "started": "2026-01-01T00:00:00+00:00",
            "finished": True,
            "epochs": 3,
            "metrics": {"loss": 0.5},
            "evaluation": {},
            "from": None,
            "overrides": [],
        },
        describe(open_),
    ]
    for words in (("runs", "list"), ("list", "runs")):
        assert json.loads(dlkit(*words, "--json", "--runs-dir", tmp_path).out) == expected
    assert (expected[1]["finished"], expected[1]["epochs"], expected[1]["started"]) == (
        False,
        2,
        "2026-01-02T00:00:00+00:00",
    )
    assert json.loads(dlkit("runs", "show", "a", "--json", "--runs-dir", tmp_path).out) == expected[1]
    shown = dlkit("runs", "show", "a/2", "--runs-dir", tmp_path).out
    assert shown.splitlines()[1:] == [
        "recipe   a  a=1",
        "started  2026-01-02T00:00:00+00:00",
        "from     x",
        "state    unfinished, 2 epochs",
    ]


def test_the_lock_is_on_the_folder_so_that_no_file_of_it_can_be_deleted(make):
    run = make("a", "1")
    code = "import sys, pathlib\nfrom dlkit.runs.directory import RunDirectory\n"
    code += "with RunDirectory(pathlib.Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout.readline() == "held\n"
    for path in list(run.path.glob(".*")):
        path.unlink()
    with pytest.raises(InputError, match="another process"), run.locked():
        pass
    owner.communicate()
    with run.locked():
        pass


def test_a_run_that_was_moved_is_not_written_to(make):
    run = make("a", "1")
    run.check_in_place()
    shutil.move(run.path, run.path.with_name("moved"))
    with pytest.raises(MissingError, match="was removed or moved while it was in use"):
        run.check_in_place()
