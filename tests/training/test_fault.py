"""A loss or a weight that is no number stops the run; the step is found by replay, the batch kept, the cause named."""

import re

import numpy as np
import pytest

from dlkit.errors import CheckError, InputError
from dlkit.evaluation.evaluate import evaluate
from dlkit.evaluation.predict import predict
from dlkit.interfaces.reporter import Reporter
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import find_run
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare
from dlkit.training.run import train_recipe
from dlkit.training.state import NonFinite

RECIPE = """
recipe: 1
name: fault
task: regression
data:
  source: {arrays: {train: TRAIN}}
model: {sequential: {layers: [Dense: {units: 4, activation: relu}, Dense: {units: 1}]}}
training:
  batch_size: 8
  epochs: 20
  seed: 1
  optimizer: {SGD: {learning_rate: RATE}}
"""


def recipe(tmp_path, x, y, rate):
    np.savez(tmp_path / "train.npz", x=x, y=y)
    text = RECIPE.replace("TRAIN", str(tmp_path / "train.npz")).replace("RATE", str(rate))
    (tmp_path / "fault.yaml").write_text(text)
    return load_recipe(tmp_path / "fault.yaml")


@pytest.fixture
def numbers():
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 3)).astype(np.float32)
    return x, (x.sum(axis=1, keepdims=True) * 3).astype(np.float32)


def test_a_too_high_learning_rate_is_named(tmp_path, reporter, numbers):
    loaded = recipe(tmp_path, *numbers, rate=50.0)
    with pytest.raises(
        CheckError, match=r"the loss became (inf|nan) in step \d+ .*the learning rate is too high"
    ) as caught:
        train_recipe(loaded, tmp_path, reporter)
    step = int(re.search(r"in step (\d+)", str(caught.value)).group(1))
    run = find_run("fault", tmp_path, finished=False)
    with np.load(run.path / "faults" / f"step_{step}.npz") as batch:
        assert batch["inputs"].shape == (8, 3)
    assert "ten times smaller" in caught.value.problems[0].hint


def test_the_bad_example_is_in_the_kept_batch(tmp_path, reporter, numbers):
    x, y = numbers
    x[37, 1] = np.nan
    with pytest.raises(CheckError, match="its inputs contain NaN or infinity"):
        train_recipe(recipe(tmp_path, x, y, rate=0.001), tmp_path, reporter)
    (file,) = (find_run("fault", tmp_path, finished=False).path / "faults").iterdir()
    with np.load(file) as batch:
        assert np.isnan(batch["inputs"]).sum() == 1
        assert np.isnan(batch["inputs"]).any(axis=1).sum() == 1


def test_a_fault_in_a_later_phase_is_replayed_in_that_phase(tmp_path, reporter, numbers):
    recipe(tmp_path, *numbers, rate=0.001)
    phases = "training.phases=[{epochs: 1}, {epochs: 2, optimizer: {SGD: {learning_rate: 1e18}}}]"
    place = r"in step (9|10) \(epoch 1 as in history.csv, batch [23]\)"
    with pytest.raises(CheckError, match=rf"{place}.*the learning rate is too high"):
        train_recipe(load_recipe(tmp_path / "fault.yaml", [phases]), tmp_path, reporter)


def test_bad_targets_are_told_from_bad_inputs(tmp_path, reporter, numbers):
    x, y = numbers
    y[5] = np.inf
    with pytest.raises(CheckError, match="its targets contain NaN or infinity"):
        train_recipe(recipe(tmp_path, x, y, rate=0.001), tmp_path, reporter)


def test_nothing_is_measured_on_a_bad_example(tmp_path, reporter, numbers):
    """relu may make 0 of what is no number: loss, metrics and answers would look as if nothing were wrong."""
    loaded = recipe(tmp_path, *numbers, rate=0.001)
    other = tmp_path / "other.npz"
    splits = [f"data.source.arrays.{split}={other}" for split in ("validation", "test")]
    loaded = load_recipe(loaded.path, [*splits, "data.validation={split: validation}", "training.epochs=1"])
    x, y = numbers
    np.savez(other, x=x, y=y)
    run = train_recipe(loaded, tmp_path, reporter).run
    bad = x.copy()
    bad[37, 1] = np.nan
    np.savez(other, x=bad, y=y)
    with pytest.raises(InputError, match=r"the inputs of test\[37\]"):
        evaluate(open_run(run), "test")
    with pytest.raises(InputError, match=r"other\.npz\[37\] contains NaN or infinity"):
        predict(open_run(run), [other])
    with pytest.raises(InputError, match=r"the inputs of validation\[37\]") as caught:
        train_recipe(loaded, tmp_path, reporter)
    assert caught.value.problems[0].location.line == 6
    assert len(list((tmp_path / "fault").iterdir())) == 1


def test_a_first_epoch_that_is_no_number_is_not_the_best(tmp_path, numbers):
    loaded = recipe(tmp_path, *numbers, rate=0.001)
    training = Training(loaded.recipe, prepare(loaded), Reporter())
    training.start()
    for value, best in ((np.nan, np.nan), (3.0, 3.0), (np.nan, 3.0), (4.0, 3.0), (2.0, 2.0)):
        training.state.keep_best(value)
        np.testing.assert_equal(training.progress.best, best)


def test_the_weights_are_looked_at_where_the_loss_does_not_tell(tmp_path, numbers):
    """With oneDNN's relu on processors with AVX-512 weights that are no numbers give a loss that is one."""
    loaded = recipe(tmp_path, *numbers, rate=0.001)
    training = Training(loaded.recipe, prepare(loaded), Reporter())
    training.start()
    training.state.run = RunDirectory(tmp_path)
    training.progress.step = 1
    assert training.state.finite_weights()
    kernel = training.steps.network.weights[0]
    kernel.assign(np.where(np.arange(4) == 2, np.nan, kernel.numpy()))
    assert not training.state.finite_weights()
    with pytest.raises(NonFinite, match="before step 1"):
        training.state.save()
    assert not list(training.state.run.path.glob("snapshots/*"))
