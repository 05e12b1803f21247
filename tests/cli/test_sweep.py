"""dlkit sweep: nothing trains before the whole grid was checked, and a failure is the exit code."""

import json

import pytest

from dlkit.formatting import measured


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["training.batchsize=1,2"], "--set training.batchsize=1: training.batchsize: unknown key 'batchsize'"),
        (
            ["training.batch_size=8,0"],
            "--set training.batch_size=0: training.batch_size: expected a number",
        ),
        (["model.sequential.layers.0={Dense: {units: 8}},MaxPooling2D"], 'layers.0: with "MaxPooling2D": '),
        (["data.validation=none"], "a search or sweep compares validation metrics"),
    ],
)
def test_mistakes_are_errors_before_anything_trains(dlkit, tmp_path, options, message):
    words = [word for option in options for word in ("--set", option)]
    result = dlkit("sweep", "digits_mlp", *words, "--runs-dir", tmp_path / "runs")
    assert result.code == 2
    assert message in result.error
    assert not (tmp_path / "runs").exists()


def test_a_name_is_no_path(dlkit, tmp_path):
    result = dlkit("sweep", "digits_mlp", "--set", "training.epochs=1", "--name", "../x", "--runs-dir", tmp_path)
    assert (result.code, "is not a name" in result.error) == (2, True)


@pytest.fixture
def result():
    spread = {"mean": 0.25, "standard_deviation": 0.0625, "min": 0.125, "max": 0.5}
    good = {
        "parameters": {"training.batch_size": 16},
        "trainings": [{"seed": 0, "run": "r", "epochs": 1, "value": 0.25}],
    }
    bad = {"parameters": {"training.batch_size": 32}, "trainings": [{"seed": 0, "failed": "was killed by signal 9"}]}
    return {
        "file": "sweep.json",
        "recipe": "digits_mlp",
        "monitor": "val_accuracy",
        "direction": "maximize",
        "seeds": [0],
        "best": {"parameters": {"training.batch_size": 16}, "mean": 0.25},
        "combinations": [good | {"statistics": {"val_accuracy": spread}}, bad | {"statistics": {}}],
    }


def test_the_table_and_the_failures_are_shown_and_exit_with_1(dlkit, monkeypatch, result):
    monkeypatch.setattr("dlkit.cli.sweep._objective", lambda loaded, grid: ("val_accuracy", "maximize"))
    monkeypatch.setattr("dlkit.experiments.sweep.Sweep.run", lambda self, done: result)
    words = ("sweep", "digits_mlp", "--set", "training.batch_size=16,32")
    shown = dlkit(*words)
    assert shown.code == 1
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["16", "val_accuracy", *(measured(spread, 5) for spread in (0.25, 0.0625, 0.125, 0.5))] in lines
    assert "failed   seed 0, training.batch_size=32: was killed by signal 9" in shown.out
    assert "best     training.batch_size=16: val_accuracy 0.2500" in shown.out
    assert json.loads(dlkit(*words, "--json").out) == result
