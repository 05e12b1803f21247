"""Conditions travel through the environment; a resumed run keeps those that it began with, or says what differs."""

import os

import pytest

from dlkit.data.source import build_dataset, left_out
from dlkit.errors import CheckError, InputError
from dlkit.process import DETERMINISTIC, SKIP_BAD, THREADS, whole_number
from dlkit.recipe import load_recipe
from dlkit.runs.conditions import restore_conditions
from dlkit.runs.directory import RunDirectory
from dlkit.training.request import TrainingRequest
from dlkit.training.run import resume_run


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    for name in (DETERMINISTIC, THREADS, SKIP_BAD):
        monkeypatch.setenv(name, "")


@pytest.fixture
def began(tmp_path):
    """A function that makes a run with recorded conditions."""

    def make(deterministic, threads=0, left_out=()):
        run = RunDirectory(tmp_path / "digits_mlp" / "run")
        run.write_json("environment.json", {"deterministic": deterministic, "threads": {"intra_op": threads}})
        run.write_json("data.json", {"left_out": list(left_out)})
        (run.path / "resolved.yaml").write_text(load_recipe("digits_mlp").text)
        return run

    return make


def test_what_a_run_began_with_is_put_back(began):
    restore_conditions(began(True, threads=3, left_out=["a.png", "b.png"]))
    assert (os.environ[DETERMINISTIC], os.environ[THREADS], os.environ[SKIP_BAD]) == ("1", "3", "2")


def test_what_was_not_special_stays_unset(began):
    restore_conditions(began(False))
    assert (os.environ[DETERMINISTIC], os.environ[THREADS], os.environ[SKIP_BAD]) == ("", "", "")


def test_images_left_out_that_are_given_go_before(began, monkeypatch):
    monkeypatch.setenv(SKIP_BAD, "7")
    restore_conditions(began(True, threads=3, left_out=["a.png"]))
    assert (os.environ[THREADS], os.environ[SKIP_BAD]) == ("3", "7")


def test_a_training_is_not_continued_with_other_threads(began, monkeypatch):
    """Sums over threads are added in another order: the run would not end as it would have."""
    run = began(False, threads=3)
    request = TrainingRequest("digits_mlp", run.path.parent.parent, resume=True, run=str(run.path))
    monkeypatch.setenv(THREADS, "1")
    with pytest.raises(CheckError, match=rf"{run.path} started with: threads were 3, are 1") as caught:
        request.resolve()
    assert caught.value.problems[0].hint.startswith("omit --threads")
    monkeypatch.setenv(THREADS, "3")
    assert request.resolve().unfinished == run


def test_a_run_of_a_machine_with_other_cores_keeps_their_number(began, monkeypatch):
    run = began(False)
    run.write_json("environment.json", {"threads": {"intra_op": 0}, "cpus": os.cpu_count() + 5})
    restore_conditions(run)
    assert os.environ[THREADS] == str(os.cpu_count() + 5)


@pytest.mark.parametrize(("recorded", "given", "hint"), [(False, "1", "omit --deterministic"), (True, "0", "unset")])
def test_another_determinism_is_refused_with_the_difference(began, monkeypatch, reporter, recorded, given, hint):
    monkeypatch.setenv(DETERMINISTIC, given)
    run = began(recorded)
    for refuse in (restore_conditions, lambda run: resume_run(load_recipe("digits_mlp"), run, reporter)):
        with pytest.raises(CheckError, match=rf"{run.path} started with: deterministic was {recorded}, is") as caught:
            refuse(run)
        assert caught.value.problems[0].hint.startswith(hint)


def test_resume_of_a_default_run_with_deterministic_is_refused(began, dlkit):
    run = began(False)
    result = dlkit("train", "digits_mlp", "--resume", "--run", run.path, "--deterministic")
    assert result.code == 1
    assert "deterministic was False, is True" in result.error


def test_what_is_no_number_is_named(monkeypatch):
    monkeypatch.setenv(THREADS, "two")
    with pytest.raises(InputError, match="DLKIT_THREADS is 'two'"):
        whole_number(THREADS)


def test_nothing_is_left_out_unless_allowed():
    assert left_out(build_dataset(load_recipe("digits_mlp").recipe)) == ()
