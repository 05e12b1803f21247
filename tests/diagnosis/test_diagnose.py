"""Illnesses planted in small trainings on real digits; benchmarks/diagnosis.py has all twelve on MNIST."""

import json

import numpy as np
import pytest

from dlkit.diagnosis.diagnose import diagnose
from dlkit.diagnosis.stored import stored
from dlkit.recipe import load_recipe
from dlkit.training.run import train_recipe

DEAD = "{units: 64, activation: relu, bias_initializer: {Constant: {value: -20.0}}}"
FIRST = "model.sequential.layers.0"


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Write digits, with something done to them, as arrays; return the settings that name them."""
    from dlkit.components.datasets.digits import Digits

    folder = tmp_path_factory.mktemp("digits")
    train, test = (Digits().load(name, None) for name in ("train", "test"))

    def written(name, change):
        x, y = change(np.array(train.inputs), np.array(train.targets), test)
        np.savez(folder / f"{name}.npz", x=x, y=y)
        np.savez(folder / "test.npz", x=test.inputs, y=test.targets)
        return [f"data.source={{arrays: {{train: {folder / name}.npz, test: {folder / 'test.npz'}, classes: 10}}}}"]

    return written


def kinds(tmp_path, silent, *settings):
    run = train_recipe(load_recipe("digits_mlp", settings), tmp_path, silent()).run
    return [finding.kind for finding in diagnose(run).findings], run


def test_a_healthy_training_has_no_diagnosis(tmp_path, silent, dlkit):
    found, run = kinds(tmp_path, silent, "training.epochs=25")
    assert found == []
    assert stored(run) == []
    assert "nothing wrong was found" in dlkit("diagnose", run.path).out
    assert "diagnosis" not in json.loads(dlkit("evaluate", run.path, "--split", "validation", "--json").out)


def test_a_training_that_has_not_ended_is_judged_by_its_record(tmp_path, silent):
    found, run = kinds(tmp_path, silent, "data.preprocess=[Flatten]", "training.epochs=2")
    (run.path / "metrics.json").unlink()
    assert not run.finished
    assert [finding.kind for finding in diagnose(run).findings] == found == ["inputs_not_scaled"]


def test_dead_units_are_found_and_evaluate_says_so(tmp_path, silent, dlkit):
    found, run = kinds(tmp_path, silent, f"{FIRST}={{Dense: {DEAD}}}", "training.epochs=2")
    assert found[0] == "dead_units"
    assert "diagnosis  most units of dense are dead" in dlkit("evaluate", run.path, "--split", "validation").out


def test_doubled_preprocessing_is_found(tmp_path, silent):
    twice = "data.preprocess=[{Rescaling: {scale: 1/255}}, {Rescaling: {scale: 1/255}}, Flatten]"
    assert kinds(tmp_path, silent, twice, "training.epochs=1")[0] == ["inputs_scaled_twice"]


def test_wrong_labels_are_found_with_their_pictures(tmp_path, silent, digits):
    draws = np.random.default_rng(0)

    def wrong(x, y, test):
        rows = draws.choice(len(y), len(y) // 30, replace=False)
        y[rows] = (y[rows] + draws.integers(1, 10, len(rows))) % 10
        return x, y

    found, run = kinds(tmp_path, silent, *digits("wrong", wrong), "training.epochs=15")
    assert found[0] == "suspect_labels"
    with np.load(run.path / "answers_suspects.npz") as archive:
        assert archive["worst_image"].shape[1:] == (8, 8, 1)
        assert (archive["worst_truth"] != archive["worst_predicted"]).all()


def test_test_examples_in_train_are_found(tmp_path, silent, digits):
    def leaked(x, y, test):
        return np.concatenate([x, test.inputs[:40]]), np.concatenate([y, test.targets[:40]])

    found, run = kinds(tmp_path, silent, *digits("leak", leaked), "training.epochs=1")
    assert found[0] == "leak"
    assert "of 360 examples of test have the same bytes as one of" in stored(run)[0].evidence[0]


def test_findings_of_earlier_weights_are_dropped(tmp_path, trained_run):
    import shutil

    from dlkit.runs.directory import RunDirectory

    run = RunDirectory(shutil.copytree(trained_run.path, tmp_path / "copy"))
    run.write_json("diagnosis.json", {"updates": -1, "findings": []})
    assert stored(run) is None
