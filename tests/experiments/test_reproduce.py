"""reproduce: a run trained again is the same to the bit, and what was changed is the first divergence that is named."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from dlkit.experiments.reproduce import CLOSE, DIFFERENT, IDENTICAL, first_row, reproduce, within
from dlkit.runs.directory import RunDirectory


@pytest.fixture
def copy(trained_run, tmp_path):
    """A run that a test may change."""
    return RunDirectory(shutil.copytree(trained_run.path, tmp_path / "runs" / "digits_mlp" / "run"))


def change(run, name, **content):
    run.write_json(name, run.read_json(name) | content)


def change_last_loss(run, factor):
    path = run.path / "history.csv"
    *rows, last = path.read_text().splitlines()
    epoch, loss, *rest = last.split(",")
    path.write_text("\n".join([*rows, ",".join([epoch, repr(float(loss) * factor), *rest])]) + "\n")


def test_a_run_trained_again_is_bit_identical_and_leaves_nothing(copy, tmp_path, reporter):
    before = sorted(path for path in (tmp_path / "runs").rglob("*") if path.name != ".lock")
    result = reproduce(copy, tmp_path / "runs", reporter)
    assert (result.verdict, result.first, result.environment) == (IDENTICAL, None, [])
    assert len(reporter.rows) == 3
    assert all(then == now for then, now in result.metrics.values())
    assert set(result.metrics) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert sorted(path for path in (tmp_path / "runs").rglob("*") if path.name != ".lock") == before


def test_other_data_is_named_before_any_training(copy, tmp_path, reporter):
    known = copy.read_json("data.json")["fingerprints"]
    change(copy, "data.json", fingerprints=known | {"validation": known["validation"] | {"targets": "0" * 64}})
    result = reproduce(copy, tmp_path, reporter)
    assert (result.verdict, result.first.where, reporter.rows) == (DIFFERENT, "data", [])
    assert result.first.detail == "validation: targets changed (144 examples then, 144 now)"


def test_another_seed_is_named(copy, tmp_path, reporter):
    change(copy, "environment.json", seed=7)
    result = reproduce(copy, tmp_path, reporter)
    assert (result.verdict, result.first.where) == (DIFFERENT, "seed")


def test_other_versions_are_reported_and_other_initial_weights_named(copy, tmp_path, reporter):
    versions = copy.read_json("environment.json")["versions"]
    change(copy, "environment.json", versions=versions | {"keras": "2.0"}, initial_weights="f" * 64)
    result = reproduce(copy, tmp_path, reporter)
    assert result.verdict == CLOSE
    assert result.first.where == "initial weights"
    assert result.environment == [f"keras was 2.0, is {versions['keras']}"]


@pytest.mark.parametrize(("factor", "verdict"), [(1 + 1e-5, CLOSE), (1.01, DIFFERENT)])
def test_the_first_epoch_that_differs_is_named(copy, tmp_path, reporter, factor, verdict):
    change_last_loss(copy, factor)
    result = reproduce(copy, tmp_path, reporter)
    assert (result.verdict, result.first.where) == (verdict, "epoch 2")
    assert result.first.detail.startswith("loss was 0.")


def test_rows_of_history_are_compared_in_every_digit():
    rows = [{"epoch": "0", "loss": "0.5"}, {"epoch": "1", "loss": "0.25"}]
    assert first_row(rows, rows) is None
    assert first_row(rows, rows[:1]).detail == "2 epochs then, 1 now"
    found = first_row(rows, [rows[0], {"epoch": "1", "loss": "0.2500000000000001"}])
    assert (found.where, found.detail) == ("epoch 1", "loss was 0.25, is 0.2500000000000001")


def test_the_tolerance_is_relative():
    assert within(1e-6, 1.00009e-6)
    assert not within(1e-6, 1.0002e-6)
    assert within(0.0, 0.0)
    assert within(float("nan"), float("nan"))
    assert not within(1.0, float("nan"))


def test_a_deterministic_run_on_one_thread_is_reproduced_under_its_own_conditions(tmp_path):
    def dlkit(*arguments):
        names = {key: value for key, value in os.environ.items() if key not in ("DLKIT_DETERMINISTIC", "DLKIT_THREADS")}
        command = [sys.executable, "-m", "dlkit", *arguments, "--runs-dir", str(tmp_path), "--json"]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=names).stdout)

    small = ["--set", "training.epochs=2", "--deterministic", "--threads", "1"]
    run = RunDirectory(tmp_path / dlkit("train", "digits_mlp", *small)["run"])
    recorded = run.read_json("environment.json")
    assert recorded["deterministic"] is True
    assert recorded["threads"] == {"inter_op": 1, "intra_op": 1}
    assert dlkit("reproduce", str(run.path))["verdict"] == IDENTICAL
