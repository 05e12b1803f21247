"""sweep: every combination and seed in a child, figures that plain arithmetic gives, and nothing trained twice."""

import json
import os
import signal
from pathlib import Path

import pytest

from dlkit.errors import InputError
from dlkit.experiments.search import taken
from dlkit.experiments.sweep import Sweep
from dlkit.experiments.trial import Trial
from dlkit.recipe import load_recipe, resolved_yaml
from dlkit.recipe.grid import load_combinations, parse_grid
from dlkit.runs.directory import RunDirectory


class Children:
    """Stands for the child processes: two epochs, whose accuracy depends on batch size and seed."""

    def __init__(self, killed, failing):
        self.calls, self.killed, self.failing = [], killed, failing

    def train(self, work, resume, reported):
        """Write what a training leaves in its run; `killed` dies the first time, `failing` every time."""
        self.calls.append("resume" if resume else "train")
        loaded = load_recipe(work._loaded.path, [*work._loaded.overrides, *work._settings, "expect={}"])
        training = loaded.recipe.training
        run = work._folder / loaded.recipe.name / "run"
        run.mkdir(parents=True, exist_ok=True)
        (run / "resolved.yaml").write_text(resolved_yaml(loaded))
        if (training.batch_size, training.seed) == self.killed and not resume:
            return False, -9, "was killed by signal 9"
        if (training.batch_size, training.seed) == self.failing:
            return False, 1, "error: the loss became nan"
        best = training.batch_size / 100 + training.seed / 10
        (run / "history.csv").write_text(f"epoch,val_accuracy\n0,{best}\n1,0.01\n")
        (run / "metrics.json").write_text("{}")
        return False, 0, ""

    def evaluate(self, words):
        """Note the options, and return the metrics of a run."""
        self.calls.append(words[2:])
        assert Path(words[1], "metrics.json").exists()
        return {"metrics": {"accuracy": 0.5}}


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """A function that sweeps with the stand-in, and returns the results and how it was called."""

    def run(*options, seeds=2, test=False, killed=None, failing=None, done=lambda chosen, training: None):
        children = Children(killed, failing)
        monkeypatch.setattr(Trial, "_child", lambda work, resume, reported: children.train(work, resume, reported))
        monkeypatch.setattr("dlkit.experiments.sweep.json_of_child", children.evaluate)
        grid = parse_grid(options)
        folder = tmp_path / "digits_mlp" / "sweep"
        loaded = load_combinations("digits_mlp", grid)[0]
        work = Sweep(loaded, grid, range(seeds), folder, "val_accuracy", "maximize", test)
        return work.run(done), children.calls

    return run


def test_every_combination_has_mean_and_spread_by_its_best_epoch(sweep, tmp_path):
    told = []
    result, calls = sweep(
        "training.batch_size=16,32", done=lambda chosen, training: told.append((chosen, training["seed"]))
    )
    assert told == [({"training.batch_size": size}, seed) for size in (16, 32) for seed in (0, 1)]
    small, large = (entry["statistics"]["val_accuracy"] for entry in result["combinations"])
    assert small == pytest.approx({"mean": 0.21, "standard_deviation": 0.0707106781, "min": 0.16, "max": 0.26})
    assert large == pytest.approx({"mean": 0.37, "standard_deviation": 0.0707106781, "min": 0.32, "max": 0.42})
    assert result["best"] == {"parameters": {"training.batch_size": 32}, "mean": pytest.approx(0.37)}
    written = json.loads((tmp_path / "digits_mlp" / "sweep.json").read_text())
    assert {"file": str(tmp_path / "digits_mlp" / "sweep.json")} | written == result
    assert "test" not in result["combinations"][0]
    assert calls == ["train"] * 4


def test_more_values_and_seeds_train_only_what_is_missing(sweep):
    first, _ = sweep("training.batch_size=16", seeds=1)
    more, calls = sweep("training.batch_size=32,16")
    assert more["combinations"][1]["trainings"][0] == first["combinations"][0]["trainings"][0]
    assert calls == ["train"] * 3
    assert sweep("training.batch_size=32,16") == (more, [])


def test_a_killed_training_is_recorded_and_continued_next_time(sweep):
    result, _ = sweep("training.batch_size=16,32", killed=(16, 1))
    assert result["combinations"][0]["trainings"][1] == {"seed": 1, "failed": "was killed by signal 9"}
    assert result["combinations"][0]["statistics"]["val_accuracy"]["standard_deviation"] is None
    again, calls = sweep("training.batch_size=16,32", killed=(16, 1))
    assert [training["value"] for training in again["combinations"][0]["trainings"]] == pytest.approx([0.16, 0.26])
    assert calls == ["resume"]


def test_a_combination_that_fails_is_recorded_and_the_others_count(sweep):
    result, _ = sweep("training.batch_size=16,32", seeds=1, failing=(32, 0))
    assert result["combinations"][1]["trainings"] == [{"seed": 0, "failed": "error: the loss became nan"}]
    assert result["combinations"][1]["statistics"] == {}
    assert result["best"]["parameters"] == {"training.batch_size": 16}


def test_settings_with_one_value_are_trained_but_not_compared(sweep):
    result, _ = sweep("training.epochs=2", "training.batch_size=16,32", seeds=1)
    assert result["fixed"] == {"training.epochs": 2}
    assert [entry["parameters"] for entry in result["combinations"]] == [
        {"training.batch_size": 16},
        {"training.batch_size": 32},
    ]
    run = RunDirectory(Path(result["combinations"][0]["trainings"][0]["run"]))
    assert load_recipe(run.resolved_recipe).recipe.training.epochs == 2


def test_when_all_fail_there_is_no_best(sweep):
    assert sweep("training.batch_size=16", seeds=1, failing=(16, 0))[0]["best"] is None


def test_the_test_split_is_measured_only_on_request_and_decides_nothing(sweep):
    result, calls = sweep("training.batch_size=16,32", seeds=1, test=True)
    assert calls == ["train", ["--split", "test", "--checkpoint", "best"]] * 2
    assert result["combinations"][0]["test"]["accuracy"]["mean"] == 0.5
    assert result["best"]["parameters"] == {"training.batch_size": 32}


def test_two_processes_do_not_work_on_one_sweep(sweep, tmp_path):
    lock = taken(tmp_path / "digits_mlp" / "sweep" / ".lock")
    with lock, pytest.raises(InputError, match="another process works on"):
        sweep("training.batch_size=16")


def test_an_interruption_keeps_what_is_done(sweep, tmp_path):
    def interrupt(chosen, training):
        if chosen["training.batch_size"] == 32:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        sweep("training.batch_size=16,32", seeds=1, done=interrupt)
    written = json.loads((tmp_path / "digits_mlp" / "sweep.json").read_text())
    assert [len(entry["trainings"]) for entry in written["combinations"]] == [1, 0]
    assert sweep("training.batch_size=16,32", seeds=1)[1] == []
