"""Shrinking: budgets, narrower recipes, and the choice among certified candidates."""

import json
import shutil
from pathlib import Path

import pytest

from dlkit.errors import InputError
from dlkit.experiments.budget import Budget, parse_budget
from dlkit.experiments.candidates import loss_of
from dlkit.experiments.shrink import check_widths, narrower
from dlkit.experiments.trial import Trial
from dlkit.recipe import load_recipe
from dlkit.training.run import train_recipe

pytestmark = pytest.mark.filterwarnings("ignore")


def test_budgets_are_read():
    assert parse_budget(["size=60KB", "latency=0.5s", "loss=0.2%"]) == Budget(60_000, 500, pytest.approx(0.002))
    assert str(parse_budget(["size=1.5MB", "loss=0.01"])) == "size 1.5 MB, loss 0.01"
    for words in (["size=big"], ["size"], ["weight=3"], ["size=3ms"], []):
        with pytest.raises(InputError, match="budget"):
            parse_budget(words)


def test_a_limit_that_is_not_measured_is_exceeded():
    budget = Budget(size=100, latency=2, loss=0.01)
    assert budget.exceeded({"size": 100, "latency_ms": 2.0, "loss": 0.01}) == []
    assert budget.exceeded({"size": 101, "latency_ms": None, "loss": -0.1}) == ["size", "latency"]


AE_DEEP = [
    "encoder.0.Dense.units=64",
    "encoder.1.Dense.units=32",
    "encoder.2.Dense.units=16",
    "decoder.0.Dense.units=32",
    "decoder.1.Dense.units=64",
]


def test_narrower_networks_keep_their_last_layer():
    sizes = [setting.rpartition("=")[2] for setting in narrower(load_recipe("mnist_cnn"), 0.58)]
    assert sizes == ["19", "37", "37", "37", "74"]
    assert narrower(load_recipe("csv_mixed"), 0.5) == ["model.sequential.layers.1.Dense.units=8"]
    assert narrower(load_recipe("resnet20"), 0.333) == ["model.resnet.width_divisor=3"]
    assert narrower(load_recipe("resnet20", ["model.resnet.width_divisor=2"]), 0.25) == ["model.resnet.width_divisor=8"]
    settings = narrower(load_recipe("ae_deep"), 0.5)
    assert settings == [f"model.autoencoder.{key}" for key in AE_DEEP]
    for width in (0.58, 0.8, 0.995):
        with pytest.raises(InputError, match=r"--width 0.\d+ is not possible: resnet has a width_divisor"):
            narrower(load_recipe("resnet20"), width)
    with pytest.raises(InputError, match="has no widths to change"):
        narrower(load_recipe("mobilenet_photos"), 0.5)


def test_widths_are_shares_and_include_the_run_itself():
    assert check_widths([0.25, 0.5, 0.5]) == [1, 0.5, 0.25]
    with pytest.raises(InputError, match="is not a share"):
        check_widths([2])


def test_losses_are_points_or_shares_of_an_error():
    assert loss_of(0.98, {"run": 0.99, "higher_is_better": True}) == pytest.approx(0.01)
    assert loss_of(0.22, {"run": 0.2, "higher_is_better": False}) == pytest.approx(0.1)
    assert loss_of(None, {"run": 1.0, "higher_is_better": True}) is None


@pytest.fixture
def trained_here(monkeypatch, silent):
    """Train in this process instead of a child; gives the settings of what was trained."""
    begun = []

    def child(self, resume, reported):
        begun.append(self._settings)
        train_recipe(load_recipe(self._loaded.path, [*self._settings, "expect={}"]), self._folder, silent())
        return False, 0, ""

    monkeypatch.setattr(Trial, "_child", child)
    return begun


def test_the_smallest_candidate_within_the_budget_is_chosen(trained_run, dlkit, tmp_path, reload_here, trained_here):
    run = shutil.copytree(trained_run.path, tmp_path / "runs" / "digits_mlp" / "run")
    words = ["shrink", run, "--budget", "size=300KB", "--width", "0.25", "--rounds", "0", "--test"]
    done = dlkit(*words, "--format", "saved_model", "--format", "code", "--json")
    assert done.code == 0, done.error
    found = json.loads(done.out)
    assert found == {"file": found["file"]} | json.loads(Path(found["file"]).read_text())
    rows = {(row["width"], row["format"]): row for row in found["candidates"]}
    assert {*rows} == {(1, "saved_model"), (1, "code"), (0.25, "saved_model"), (0.25, "code")}
    assert rows[0.25, "code"]["size"] < rows[1, "code"]["size"]
    assert found["chosen"] == rows[0.25, "code"]
    assert rows[1, "code"]["loss"] == 0
    assert found["test"]["examples"] == 360
    assert [settings[0] for settings in trained_here] == ["model.sequential.layers.0.Dense.units=16"]
    again = dlkit("shrink", run, "--budget", "size=1B", "--width", "0.25", "--rounds", "0", "--format", "code")
    assert again.code == 1
    assert "nothing is within the budget" in again.out
    assert len(trained_here) == 1  # it is there already
