"""Several processes share the batches of an evaluation: the results are those of one process."""

import json
import shutil
import signal
from functools import partial

import numpy as np
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
