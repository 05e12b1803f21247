"""repeat: every seed in a process of its own, figures that plain arithmetic gives, and bands for evaluate."""

import json
import signal
import subprocess
import sys
import time

import psutil
import pytest

from dlkit.evaluation.band import band, recipe_digest
from dlkit.experiments.repeat import Repeated, repeat, statistics
from dlkit.recipe import load_recipe
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import find_run
from dlkit.training.snapshot import read_snapshot

# Stands for dlkit: accuracy 0.90, 0.91, ... by the seed; the seed in KILLED dies.
CHILD = """
import json, os, signal, sys
words = sys.argv[1:]
with open({log!r}, "a") as log:
    print(json.dumps(words), file=log)
if words[0] == "train":
    seed = next(word.split("=")[1] for word in words if word.startswith("training.seed="))
    if seed == {killed!r}:
        os.kill(os.getpid(), signal.SIGKILL)
    print(json.dumps({{"run": "runs/" + seed, "metrics": {{"loss": 0.5, "learning_rate": 0.1}}}}))
else:
    print(json.dumps({{"metrics": {{"accuracy": 0.9 + int(words[1][-1]) / 100}}}}))
    sys.exit(1)
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Put the stand-in in dlkit's place; gives a function that reads what it was called with."""

    def install(killed=""):
        log = tmp_path / "calls"
        code = CHILD.format(log=str(log), killed=killed)
        monkeypatch.setattr("dlkit.experiments.children.COMMAND", (sys.executable, "-c", code))
        return lambda: [json.loads(line) for line in log.read_text().splitlines()]

    return install


def test_every_seed_is_trained_and_evaluated_and_the_figures_are_right(child, tmp_path):
    calls, told = child(), []
    result = repeat(Repeated("digits_mlp", ("training.epochs=2",), tmp_path / "runs"), range(3), told.append)
    assert [entry["seed"] for entry in told] == [0, 1, 2]
    accuracy = result["statistics"]["evaluation"]["accuracy"]
    assert accuracy == pytest.approx({"mean": 0.91, "standard_deviation": 0.01, "min": 0.9, "max": 0.92})
    assert result["statistics"]["train"] == {
        "loss": {"mean": 0.5, "standard_deviation": 0.0, "min": 0.5, "max": 0.5},
    }
    assert json.loads((tmp_path / "runs" / "digits_mlp" / "repeat.json").read_text()) == result
    first, second, *_ = calls()
    sets = ["--set", "training.epochs=2", "--set", "training.seed=0"]
    assert first == ["train", "digits_mlp", *sets, "--runs-dir", str(tmp_path / "runs"), "--json"]
    assert second == ["evaluate", "runs/0", "--runs-dir", str(tmp_path / "runs"), "--json"]


def test_a_killed_seed_is_reported_and_the_others_count(child, tmp_path):
    child(killed="1")
    result = repeat(Repeated("digits_mlp", (), tmp_path), range(3), lambda entry: None)
    assert result["seeds"][1] == {"seed": 1, "failed": "train was killed by signal 9"}
    accuracy = result["statistics"]["evaluation"]["accuracy"]
    assert (accuracy["min"], accuracy["max"]) == (0.9, 0.92)
    assert accuracy["mean"] == pytest.approx(0.91)


def test_a_child_without_json_is_a_failure_with_its_code(monkeypatch, tmp_path):
    monkeypatch.setattr("dlkit.experiments.children.COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))
    result = repeat(Repeated("digits_mlp", (), tmp_path), range(1), lambda entry: None)
    assert result["seeds"] == [{"seed": 0, "failed": "train ended with exit code 3"}]
    assert result["statistics"] == {"train": {}, "evaluation": {}}


def test_one_seed_has_no_standard_deviation():
    found = statistics([{"train": {"loss": 0.5}, "evaluation": {"loss": 0.25}}])
    assert found["evaluation"]["loss"] == {"mean": 0.25, "standard_deviation": None, "min": 0.25, "max": 0.25}


def test_the_digest_ignores_the_seed_and_the_contract_alone():
    same = recipe_digest(load_recipe("digits_mlp"))
    assert recipe_digest(load_recipe("digits_mlp", ["training.seed=9"])) == same
    assert recipe_digest(load_recipe("digits_mlp", ["expect.metrics.accuracy.at_least=0.1"])) == same
    assert recipe_digest(load_recipe("digits_mlp", ["training.epochs=9"])) != same


def write_band(trained_run, tmp_path, seeds_of):
    """A repeat.json beside a run of the recipe, and that run."""
    run = RunDirectory(tmp_path / "digits_mlp" / "run")
    entries = [{"seed": seed, "train": {}, "evaluation": metrics} for seed, metrics in enumerate(seeds_of)]
    digest = recipe_digest(load_recipe(trained_run.resolved_recipe))
    content = {"recipe_digest": digest, "split": "test", "statistics": statistics(entries)}
    RunDirectory(run.path.parent).write_json("repeat.json", content)
    return run


def test_a_band_is_three_standard_deviations_wide(trained_run, tmp_path):
    run = write_band(trained_run, tmp_path, [{"accuracy": 0.9}, {"accuracy": 0.92}])
    loaded = load_recipe(trained_run.resolved_recipe)
    found = band(run, loaded, "test", {"accuracy": 0.95})
    assert found["accuracy"] == pytest.approx({"low": 0.91 - 3 * 0.0141421356, "high": 0.9524264, "inside": True})
    assert band(run, loaded, "test", {"accuracy": 0.96})["accuracy"]["inside"] is False
    assert band(run, loaded, "validation", {"accuracy": 0.95}) is None
    other = load_recipe(trained_run.resolved_recipe, ["training.batch_size=16"])
    assert band(run, other, "test", {"accuracy": 0.95}) is None
    assert band(run, loaded, "test", {"loss": 0.95}) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_the_parent_ends_the_child_too(tmp_path, number):
    child = (
        "import os, time; from dlkit.machine.interruption import end_with_parent; end_with_parent()\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()) + '\\n'); time.sleep(60)"
    )
    code = (
        "import sys, pathlib\nfrom dlkit.experiments import children, repeat\n"
        f"children.COMMAND = (sys.executable, '-c', {child!r})\n"
        f"what = repeat.Repeated('digits_mlp', (), pathlib.Path({str(tmp_path)!r}))\n"
        "repeat.repeat(what, range(3), print)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith("\n"))
        parent.send_signal(number)
    finally:
        parent.wait(60)
    wait_for(lambda: not psutil.pid_exists(int((tmp_path / "pid").read_text())))


def test_a_training_whose_parent_is_killed_saves_its_state_and_ends(tmp_path):
    endless = ("--set", "training.epochs=100000", "--set", "data.validation=none")
    command = [sys.executable, "-m", "dlkit", "repeat", "digits_mlp", *endless, "--runs-dir", str(tmp_path)]
    parent = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: list(tmp_path.glob("digits_mlp/*/snapshots/*.npz")))
        (child,) = psutil.Process(parent.pid).children(recursive=True)
    finally:
        parent.kill()
        parent.wait(30)
    wait_for(lambda: not child.is_running())
    run = find_run("digits_mlp", tmp_path, finished=False)
    assert read_snapshot(run.path).progress.step > 0
    assert list(tmp_path.rglob(".writing-*")) == []
    with run.locked():
        pass


def wait_for(condition):
    """Wait until something is so, for three minutes at most: a busy machine starts TensorFlow slowly."""
    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_evaluate_says_whether_a_run_lies_inside(trained_run, dlkit):
    folder = RunDirectory(trained_run.path.parent)
    entries = [{"train": {}, "evaluation": {"accuracy": value, "loss": 0.1}} for value in (0.1, 0.2)]
    digest = recipe_digest(load_recipe(trained_run.resolved_recipe))
    folder.write_json("repeat.json", {"recipe_digest": digest, "split": "test", "statistics": statistics(entries)})
    try:
        result = dlkit("evaluate", trained_run.path, "--json")
    finally:
        (folder.path / "repeat.json").unlink()
    found = json.loads(result.out)["band"]
    assert found["accuracy"] == pytest.approx(
        {"low": 0.15 - 0.212132, "high": 0.15 + 0.212132, "inside": False}, abs=1e-6
    )
    assert (found["loss"]["low"], found["loss"]["high"], found["loss"]["inside"]) == (0.1, 0.1, False)


def test_what_repeats_imports_no_tensorflow(tmp_path):
    code = "import sys, dlkit.experiments.repeat, dlkit.cli.repeat; print({'tensorflow', 'keras'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
