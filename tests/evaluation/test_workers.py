"""Several processes share the batches of an evaluation: the results are those of one process."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial

import numpy as np
import psutil
import pytest

from dlkit.errors import MissingError
from dlkit.evaluation.examine import Examiner
from dlkit.evaluation.workers import workers
from dlkit.model.splits import read_split
from dlkit.model.trained import open_run
from dlkit.runs.directory import RunDirectory


@pytest.fixture
def copied(trained_run, tmp_path):
    """A copy of the run, which the tests write into."""
    copy = tmp_path / trained_run.path.parent.name / trained_run.path.name
    return RunDirectory(shutil.copytree(trained_run.path, copy))


def results(run):
    """What an evaluation of train leaves."""
    answers = np.load(run.path / "answers_train.npz")
    table = (run.path / "per_class_train.csv").read_text()
    return run.read_json("metrics.json")["evaluation"]["train"], table, {key: answers[key].tolist() for key in answers}


def test_two_processes_give_what_one_gives(copied, dlkit):
    words = ("evaluate", copied.path, "--split", "train", "--json")
    alone = json.loads(dlkit(*words).out)
    before = results(copied)
    shared = dlkit(*words, "--processes", "2")
    assert shared.code == 0, shared.error
    assert json.loads(shared.out) == alone
    assert results(copied) == before


def test_workers_print_nothing_and_leave_an_interrupt_to_the_one_that_started_them(copied, tmp_path):
    command = [sys.executable, "-m", "dlkit", "evaluate", str(copied.path), "--split", "train", "--processes", "2"]
    quiet = subprocess.run(command, capture_output=True, text=True, check=True)
    assert quiet.stderr == ""
    code = 0
    for _ in range(3):  # on a busy machine, the evaluation may end before the signal arrives
        with (tmp_path / "errors").open("w") as errors:
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True, preexec_fn=_answer_interrupts
            )
            while process.poll() is None and len(psutil.Process(process.pid).children()) < 3:
                time.sleep(0.05)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)  # to both workers, and to what tracks their resources
            code = process.wait(60)
        if code:
            break
    assert code == 130, (tmp_path / "errors").read_text()
    assert (tmp_path / "errors").read_text().splitlines()[-1:] == ["error: interrupted"]
    assert "Traceback" not in (tmp_path / "errors").read_text()


def _answer_interrupts():
    """A program that is started in the background, as tests may be, ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_lost_process_is_an_error_that_says_so(copied):
    trained = open_run(copied)
    examiner = Examiner(trained.built, trained.loaded.recipe, read_split(trained, "train"))
    killed = partial(signal.raise_signal, signal.SIGKILL)
    with workers(1, killed) as pool, pytest.raises(MissingError, match="was lost"):
        list(pool.batches(examiner))


def test_tiles_are_taken_in_one_process(copied, dlkit):
    done = dlkit("evaluate", copied.path, "--tile", "8", "--processes", "2")
    assert done.code == 2
    assert "in one process" in done.error
