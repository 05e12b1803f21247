"""Trainings in several processes."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from dlkit.experiments import processes
from dlkit.experiments.processes import without
from dlkit.machine.cluster import local_clusters

RECIPE = """
recipe: 1
name: shared
task: classification
data:
  source: digits
  limit: 120
  validation: {fraction: 0.2}
  augment: [random_affine: {shift: 0.1}]
  preprocess: [Normalization: {axis: null}]
model:
  sequential:
    layers:
      - Conv2D: {filters: 4, kernel_size: 3, activation: relu}
      - BatchNormalization
      - Flatten
      - Dropout: {rate: 0.3}
      - Dense: {units: 10, activation: softmax}
training:
  batch_size: 20
  epochs: 2
  shards: 4
  optimizer: {Adam: {learning_rate: 0.01}}
"""


def test_one_and_two_processes_give_the_same_bits(tmp_path, one_after_the_other):
    """Weights, optimizer, running statistics and metrics, with augmentation, dropout and batch normalisation."""
    (tmp_path / "shared.yaml").write_text(RECIPE)

    def results(*program):
        done = subprocess.run(
            [sys.executable, *program], capture_output=True, text=True, cwd=tmp_path, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr[-2000:]
        decoder, rest, found = json.JSONDecoder(), done.stdout.lstrip(), []
        while rest:
            result, end = decoder.raw_decode(rest)
            found.append(result)
            rest = rest[end:].lstrip()
        return found

    def state(result):
        with np.load(sorted((tmp_path / result["run"] / "snapshots").glob("*.npz"))[-1]) as file:
            return {name: file[name] for name in file.files if name != "state"}

    train = ("train", "shared.yaml", "--json", "--processes")
    (two,) = results("-m", "dlkit", *train, "2")
    one, again = results(*one_after_the_other((*train, "1"), ("reproduce", two["run"], "--json")))
    assert one["metrics"] == two["metrics"]
    alone, shared = state(one), state(two)
    assert alone.keys() == shared.keys()
    assert all(np.array_equal(alone[name], shared[name]) for name in alone)
    assert again["verdict"] == "bit-identical"


def test_arguments_of_the_children():
    given = ["train", "x", "--set", "a=1", "--processes", "4", "--restarts=2", "--resume", "--run", "r", "--json"]
    assert without(given, "--processes", "--restarts") == [
        "train",
        "x",
        "--set",
        "a=1",
        "--resume",
        "--run",
        "r",
        "--json",
    ]
    assert without(given, "--processes", "--restarts", "--resume", "--run") == ["train", "x", "--set", "a=1", "--json"]


class Children:
    """Stands for dlkit: process 0 waits; process 1 does what `what` says."""

    def __init__(self, monkeypatch, what):
        code = (
            f"import os, signal, sys, time, json\nindex = json.loads(os.environ['TF_CONFIG'])['task']['index']\n{what}"
        )
        monkeypatch.setattr(processes, "COMMAND", (sys.executable, "-c", code))
        monkeypatch.setattr(processes, "STOPPED_SECONDS", 0.3)
        monkeypatch.setattr(processes, "ENDING_SECONDS", 0.5)

    def watched(self, count=2):
        with processes._children(["train"], count, None) as children:
            code, failed = processes._watched(children)
            fault = failed and str(failed)
        assert all(child.process.poll() is not None for child in children)
        return code, fault


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("sys.exit(0)", (0, None)),
        ("sys.exit(2)", (2, None)),
        ("index and os.kill(os.getpid(), 9); time.sleep(60)", (3, "process 1 was killed by signal 9 (SIGKILL)")),
        ("index or os.kill(os.getpid(), 9); time.sleep(60)", (3, "process 0 was killed by signal 9 (SIGKILL)")),
        (
            "index and os.kill(os.getpid(), signal.SIGSTOP); time.sleep(60)",
            (3, "process 1 was stopped (SIGSTOP) for more than 0 seconds"),
        ),
        (
            "if index: sys.exit('error: no data here\\n  do this')\ntime.sleep(60)",
            (3, "process 1 ended with exit code 1: error: no data here"),
        ),
        (
            "if index: sys.exit('error: full')\ntime.sleep(.2); sys.exit(3)",
            (3, "process 1 ended with exit code 1: error: full"),
        ),
        ("if index: time.sleep(.2)\nsys.exit(3)", (3, None)),  # its own error, which it has printed
        ("if index: time.sleep(60)\nsys.exit(3)", (3, "process 1 did not answer")),
        ("if index: time.sleep(60)", (0, None)),
    ],
)
def test_how_processes_end(monkeypatch, what, expected):
    assert Children(monkeypatch, what).watched() == expected


def test_a_request_to_stop_reaches_the_first_process(monkeypatch):
    """It passes it on to the others at the next step."""
    what = "signal.signal(15, lambda *_: sys.exit(130))\nif index == 0: os.kill(os.getppid(), 15); time.sleep(60)"
    assert Children(monkeypatch, what).watched() == (130, None)


def test_a_lost_process_is_named_with_what_to_do(monkeypatch, tmp_path):
    from dlkit.errors import MissingError
    from dlkit.training.request import TrainingRequest

    Children(monkeypatch, "index and os.kill(os.getpid(), 9); time.sleep(60)")
    plan = TrainingRequest("digits_mlp", tmp_path, ["training.shards=2"]).resolve()
    notes = []
    with pytest.raises(MissingError, match="process 1 was killed by signal 9") as lost:
        processes.train_in_processes(plan, ["train"], 2, threads=None, restarts=1, note=notes.append)
    assert lost.value.problems[0].hint == "nothing was trained yet: start it again"
    assert notes == ["process 1 was killed by signal 9 (SIGKILL); starting again from the beginning"]


def test_a_process_without_its_parent_ends(tmp_path):
    """Children of a killed watcher get SIGTERM, at which a training saves and ends."""
    assert len(local_clusters(2)) == 2
    code = (
        "from dlkit.experiments import processes; import sys\n"
        "processes.COMMAND = (sys.executable, '-c', 'import time; "
        "from dlkit.machine.interruption import end_with_parent; end_with_parent(); time.sleep(60)')\n"
        "with processes._children(['train'], 2, None) as children:\n"
        "    print(*[child.process.pid for child in children], flush=True); processes._watched(children)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    children = [int(number) for number in parent.stdout.readline().split()]
    time.sleep(1)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 30
    while any(os.path.exists(f"/proc/{child}/exe") for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(os.path.exists(f"/proc/{child}/exe") for child in children)
