"""search: Optuna chooses, a child trains; nothing is lost or doubled when workers are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("optuna")

from dlkit.errors import CheckError, InputError
from dlkit.experiments import trial as trials
from dlkit.experiments.optuna_choices import check_names
from dlkit.experiments.search import Search
from dlkit.recipe import load_recipe
from dlkit.recipe.space import load_search
from dlkit.runs.find import find_run

SPACE = """
trials: 4
sampler: TPESampler
{more}
space:
  training.optimizer.Adam.learning_rate: {{float: {{low: 1e-4, high: 0.1, log: true}}}}
  model.sequential.layers.0.Dense.units: {{int: {{low: 8, high: 64}}}}
"""
# Stands for `dlkit train`: a run whose accuracy depends on the settings alone, two epochs long.
CHILD = """
import hashlib, json, os, sys, time
from pathlib import Path
from dlkit.recipe import load_recipe, resolved_yaml
words = sys.argv[1:]
sets = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
root = Path(words[words.index("--runs-dir") + 1])
loaded = load_recipe(words[1], sets)
with (root / "starts.txt").open("a") as log:
    print("resume" if "--resume" in words else "start", file=log)
run = root / loaded.recipe.name / "run"
run.mkdir(parents=True, exist_ok=True)
units = loaded.recipe.model.settings["layers"][0].settings["units"]
rate = loaded.recipe.training.optimizer.settings["learning_rate"]
digest = os.environ.get("TEST_DIGEST") or f"digest {units}"
(run / "environment.json").write_text(json.dumps({"initial_weights": digest}))
(run / "resolved.yaml").write_text(os.environ.get("TEST_RESOLVED") or resolved_yaml(loaded))
time.sleep(float(os.environ.get("TEST_SECONDS", 0)))
value = 1 / (1 + abs(rate - 0.01)) - abs(units - 32) / 1000
if os.environ.get("TEST_FAILS") and units > 32:
    sys.exit("error: the loss became nan\\n  try less")
(run / "history.csv").write_text(f"epoch,val_accuracy\\n0,{value - 0.1}\\n1,{value}\\n")
(run / "metrics.json").write_text("{}")
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A function that works on a study with the stand-in; gives the results."""
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    monkeypatch.setattr(trials, "COMMAND", (sys.executable, str(script)))
    monkeypatch.setattr(trials, "_POLL_SECONDS", 0.01)

    def run(more="", name="study", monitor="val_accuracy"):
        path = tmp_path / "space.yaml"
        path.write_text(SPACE.format(more=more))
        loaded = load_recipe("digits_mlp")
        search = Search(loaded, load_search(path, loaded), tmp_path / name, monitor, "maximize")
        return search.run(lambda result: None)

    return run


def test_the_best_trial_becomes_a_recipe(study, tmp_path):
    result = study()
    assert [entry["number"] for entry in result["trials"]] == list(range(4))
    assert {entry["state"] for entry in result["trials"]} == {"complete"}
    best = result["best"]
    assert best["value"] == max(entry["value"] for entry in result["trials"])
    written = load_recipe(best["recipe"])
    assert (
        written.plain["training"]["optimizer"]["Adam"]["learning_rate"]
        == best["parameters"]["training.optimizer.Adam.learning_rate"]
    )
    assert Path(best["recipe"]).read_text().startswith("# Found by dlkit search in digits_mlp: trial")
    assert len({json.dumps(entry["parameters"]) for entry in result["trials"]}) == 4


def test_a_finished_study_is_only_read(study, tmp_path):
    assert study() == study()
    starts = list(tmp_path.glob("study/trials/*/starts.txt"))
    assert [path.read_text() for path in starts] == ["start\n"] * 4


def test_the_same_seed_gives_the_same_trials(study):
    first, second, other = study(name="a"), study(name="b"), study("seed: 1", name="c")
    parameters = [[entry["parameters"] for entry in result["trials"]] for result in (first, second, other)]
    assert parameters[0] == parameters[1] != parameters[2]


def test_failed_trials_are_kept_and_named(study, monkeypatch):
    monkeypatch.setenv("TEST_FAILS", "1")
    result = study()
    failed = [entry for entry in result["trials"] if entry["state"] == "fail"]
    assert failed
    assert all(entry["failed"] == "error: the loss became nan" for entry in failed)
    assert all(entry["parameters"]["model.sequential.layers.0.Dense.units"] > 32 for entry in failed)


def test_equal_first_weights_for_other_sizes_are_an_error(study, monkeypatch):
    """A setting that does not reach the network would make every trial the same."""
    monkeypatch.setenv("TEST_DIGEST", "always the same")
    with pytest.raises(CheckError, match=r"trials 0 and 1 differ in .*units, but began with equal weights"):
        study()


def test_a_run_with_other_settings_is_an_error(study, monkeypatch):
    from dlkit.recipe import resolved_yaml

    monkeypatch.setenv("TEST_RESOLVED", resolved_yaml(load_recipe("digits_mlp")))
    with pytest.raises(CheckError, match="was not trained with the settings of its trial"):
        study()


def test_another_space_needs_another_study(study):
    study()
    with pytest.raises(CheckError, match="has another search") as refused:
        study("seed: 1")
    assert refused.value.problems[0].hint == "give this search a study of its own: --study NAME"
    assert len(study("pruner: NopPruner", name="other")["trials"]) == 4


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("pruner: MedainPruner", "unknown pruner 'MedainPruner'"),
        ("pruner: {MedianPruner: {n_trials: 3}}", "MedianPruner: .*n_trials"),
        ("pruner: GridSampler", "unknown pruner 'GridSampler'"),
    ],
)
def test_samplers_and_pruners_are_those_of_optuna(tmp_path, more, message):
    path = tmp_path / "space.yaml"
    path.write_text(SPACE.format(more=more))
    with pytest.raises(InputError, match=message) as refused:
        check_names(load_search(path, load_recipe("digits_mlp")))
    assert refused.value.problems[0].location.line == 4


WORKER = """
import sys
from pathlib import Path
from dlkit.experiments import trial as trials
from dlkit.experiments.search import Search
from dlkit.recipe import load_recipe
from dlkit.recipe.space import load_search
folder = Path(sys.argv[1])
trials.COMMAND = (sys.executable, str(folder / "child.py"))
trials._POLL_SECONDS = 0.01
loaded = load_recipe("digits_mlp")
Search(loaded, load_search(folder / "space.yaml", loaded), folder / "killed", "val_accuracy", "maximize").run(print)
"""


def test_workers_killed_at_any_moment_lose_and_double_nothing(study, tmp_path):
    """The next worker continues the trial of a killed one, and chooses what an undisturbed one would have."""
    expected = study()
    for kill in range(4):
        environment = os.environ | {"TEST_SECONDS": "0.2"}
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.DEVNULL, env=environment
        )
        deadline = time.monotonic() + 60
        while not (tmp_path / "killed" / "trials" / f"{kill:05d}").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05 * kill)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    result = study(name="killed")
    assert [entry["parameters"] for entry in result["trials"]] == [entry["parameters"] for entry in expected["trials"]]
    assert result["best"]["number"] == expected["best"]["number"]
    assert [entry["state"] for entry in result["trials"]] == ["complete"] * 4


def test_two_workers_share_a_study(study, tmp_path):
    study(name="first")  # writes space.yaml
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    environment = os.environ | {"TEST_SECONDS": "0.1"}
    workers = [subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) for _ in range(2)]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    result = study(name="killed")
    assert [entry["number"] for entry in result["trials"]] == list(range(4))
    starts = [path.read_text() for path in tmp_path.glob("killed/trials/*/starts.txt")]
    assert starts == ["start\n"] * 4


def test_search_on_real_digits(dlkit, tmp_path):
    """The whole verb: the space is built, two trials train in processes of their own, figures are drawn."""
    (tmp_path / "space.yaml").write_text(
        "trials: 2\nspace: {training.optimizer.Adam.learning_rate: {float: {low: 0.001, high: 0.01}}}\n"
    )
    small = ["--set", "training.epochs=2", "--set", "data.limit=200", "--runs-dir", tmp_path / "runs"]
    result = dlkit("search", "digits_mlp", "--space", "space.yaml", *small, "--json")
    assert result.code == 0, result.error
    found = json.loads(result.out)
    assert found["monitor"] == "val_accuracy"
    run = find_run(found["best"]["run"], tmp_path)
    assert run.finished
    names = {path.stem for path in (tmp_path / "runs" / "digits_mlp" / "search" / "figures").iterdir()}
    assert {"history", "slices", "parallel_coordinates"} <= names


def test_impossible_values_are_refused_before_anything_trains(dlkit, tmp_path):
    (tmp_path / "space.yaml").write_text("space:\n  model.sequential.layers.2.Dense.units: {int: {low: 9, high: 10}}\n")
    result = dlkit("search", "digits_mlp", "--space", "space.yaml", "--runs-dir", tmp_path / "runs")
    assert result.code == 2
    assert "space.yaml:2:3: space.model.sequential.layers.2.Dense.units: with 9: " in result.error
    assert not (tmp_path / "runs").exists()
