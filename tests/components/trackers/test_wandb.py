"""Weights & Biases: offline unless the user's environment says otherwise, and one run however often it continues."""

import json
import os
import sys

import pytest

from dlkit.components.trackers.wandb import Wandb

# What dlkit uses of W&B: a file with a line for each call, a hook and a link as the original leaves them.
STAND_IN = """
import json, os, pathlib, sys

def Settings(**settings):
    return settings

def init(*, project, id, name, dir, config, resume, settings):
    sys.excepthook = print
    os.symlink("/nowhere/debug.log", pathlib.Path(dir) / f"debug{len(list(pathlib.Path(dir).iterdir()))}.log")
    assert pathlib.Path(os.environ["WANDB_CACHE_DIR"]).is_relative_to(dir)
    return Run(pathlib.Path(dir) / "calls", project=project, id=id, name=name, config=config, resume=resume, **settings)

class Run:
    def __init__(self, path, **begun):
        self.path = path
        self.add(begun)

    def add(self, entry):
        with self.path.open("a") as file:
            print(json.dumps(entry), file=file)

    def log(self, values, step):
        self.add({"step": step} | values)

    def finish(self, exit_code):
        self.add({"exit_code": exit_code})
"""


@pytest.fixture(autouse=True)
def _wandb(installed, monkeypatch):
    installed("wandb", STAND_IN)
    monkeypatch.delenv("WANDB_MODE", raising=False)


def calls(run):
    return [json.loads(line) for line in (run.folder / "calls").read_text().splitlines()]


def test_settings_epochs_and_the_end_are_recorded_offline(tracked):
    run = tracked(**{"training.batch_size": 32})
    tracker = Wandb(run, project="digits")
    tracker.epoch_done(0, {"epoch": 0, "loss": 0.5})
    tracker.end("interrupted")
    begun, step, end = calls(run)
    assert (step, end) == ({"step": 0, "loss": 0.5}, {"exit_code": 1})
    named = {"project": "digits", "name": "20260101-120000", "config": {"training.batch_size": 32}, "resume": "allow"}
    assert named.items() <= begun.items()
    assert (begun["mode"], begun["console"], begun["disable_code"]) == ("offline", "off", True)
    tracker.end("finished")
    assert calls(run)[-1] == {"exit_code": 0}


def test_a_continued_training_is_the_same_run_with_every_step_once(tracked):
    run = tracked()
    first = Wandb(run)
    for epoch in range(2):
        first.epoch_done(epoch, {"loss": 0.5 / (epoch + 1)})
    again = Wandb(run)  # from a snapshot before epoch 1
    for epoch in range(3):
        again.epoch_done(epoch, {"loss": 0.5 / (epoch + 1)})
    begun = [entry for entry in calls(run) if "project" in entry]
    assert [entry["step"] for entry in calls(run) if "step" in entry] == [0, 1, 2]
    assert begun[0]["id"] == begun[1]["id"]
    assert len(begun[0]["id"]) == 8


@pytest.mark.parametrize(
    ("variable", "offline", "mode"),
    [("online", False, "online"), ("online", True, "offline"), ("disabled", False, "disabled"), ("", False, "offline")],
)
def test_the_mode_is_the_users_and_never_online_when_offline(tracked, monkeypatch, variable, offline, mode):
    monkeypatch.setenv("WANDB_MODE", variable)
    run = tracked(offline=offline)
    Wandb(run)
    assert calls(run)[0]["mode"] == mode


def test_hooks_links_and_variables_are_as_before(tracked):
    hook, environment = sys.excepthook, dict(os.environ)
    run = tracked()
    Wandb(run)
    assert sys.excepthook is hook
    assert dict(os.environ) == environment
    assert [path for path in run.folder.rglob("*") if path.is_symlink()] == []


def test_an_id_from_someone_elses_run_is_not_used(tracked):
    run = tracked()
    (run.folder / "recorded.json").write_text(json.dumps({"id": "../../x", "recorded": {}}))
    Wandb(run)
    assert len(calls(run)[0]["id"]) == 8
    assert "/" not in calls(run)[0]["id"]
