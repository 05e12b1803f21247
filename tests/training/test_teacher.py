"""Knowledge distillation: soft targets of a trained run, kept with the run that learns from it."""

import shutil

import numpy as np
import pytest

from dlkit.errors import InputError, MissingError
from dlkit.experiments.reproduce import history, reproduce
from dlkit.interfaces.reporter import Reporter
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.runs.find import find_run
from dlkit.runs.parents import TEACHER, may_know_validation
from dlkit.training.loop import Training
from dlkit.training.prepare import prepare
from dlkit.training.run import resume_run, train_recipe

BIG = """
recipe: 1
name: big
task: classification
data:
  source: digits
  validation: {fraction: 0.2}
  preprocess: [{Rescaling: {scale: 1/255}}]
model:
  sequential:
    layers:
      - InferenceViews: {horizontal_flip: false, shift: 1}
      - Conv2D: {filters: 16, kernel_size: 3, activation: relu}
      - BatchNormalization: {momentum: 0.9}
      - Flatten
      - Dense: {units: 10, activation: softmax}
      - AverageViews: {views: 3}
training: {epochs: 4, optimizer: {Adam: {learning_rate: 0.003}}}
"""
SMALL = """
recipe: 1
name: small
task: classification
data:
  source: digits
  validation: {fraction: 0.2}
  augment:
    - random_affine: {shift: 0.1}
    - cutmix: {probability: 0.5}
  preprocess: [Flatten, {Rescaling: {scale: 1/128}}]
model:
  sequential:
    layers:
      - Dense: {units: 32, activation: relu}
      - Dropout: {rate: 0.1}
      - Dense: {units: 10, activation: softmax}
training:
  batch_size: 64
  epochs: 4
  optimizer: {Adam: {learning_rate: 0.01}}
  teacher: {run: TEACHER, weight: 0.75}
"""


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, silent):
    folder = tmp_path_factory.mktemp("teacher")
    (folder / "big.yaml").write_text(BIG)
    return train_recipe(load_recipe(folder / "big.yaml"), folder, silent()).run


@pytest.fixture(scope="module")
def recipe_file(teacher, tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(SMALL.replace("TEACHER", str(teacher.path)))
    return path


@pytest.fixture(scope="module")
def finished(recipe_file, tmp_path_factory, silent):
    return train_recipe(load_recipe(recipe_file), tmp_path_factory.mktemp("finished"), silent()).run


def weights(run):
    return [np.array(variable) for variable in open_run(run).built.network.variables]


def one_batch(path, *overrides):
    loaded = load_recipe(path, overrides)
    ready = prepare(loaded)
    training = Training(loaded.recipe, ready, Reporter())
    training.start()
    return ready.built, next(iter(training.steps.batches(3, 4)))


def test_targets_are_means_with_what_the_teacher_says_of_the_augmented_batch(recipe_file, teacher):
    built, (x, y) = one_batch(recipe_file)
    _, (plain_x, plain) = one_batch(recipe_file, "training.teacher=null")
    np.testing.assert_array_equal(x, plain_x)
    # by hand: the teacher's own layers on the very pictures, without its views
    trained = open_run(teacher).built
    pictures = np.asarray(x).reshape(-1, 8, 8, 1) * 128
    hidden = trained.preprocess(np.round(pictures).astype(built.preprocess.input.dtype))
    for layer in trained.network.layers[2:-1]:
        hidden = layer(hidden, training=False)
    np.testing.assert_allclose(y, 0.25 * np.asarray(plain) + 0.75 * np.asarray(hidden), atol=1e-6)
    np.testing.assert_allclose(np.sum(y, axis=1), 1, atol=1e-5)
    assert np.abs(np.asarray(y) - np.asarray(plain)).max() > 0.1


def test_batches_that_are_made_within_the_step_are_taught_too(recipe_file):
    bare = ("data.augment=[]", "training.shuffle=false")
    _, (_, y) = one_batch(recipe_file, *bare)
    _, (_, plain) = one_batch(recipe_file, *bare, "training.teacher=null")
    soft = (np.asarray(y) - 0.25 * np.asarray(plain)) / 0.75
    assert np.mean(soft.argmax(axis=1) == np.asarray(plain).argmax(axis=1)) > 0.9
    assert np.all((soft > -1e-6) & (soft < 1))
    assert np.asarray(y).max() < 1


def test_a_taught_network_learns_and_starts_as_without_a_teacher(recipe_file, finished, tmp_path, silent):
    assert float(history(finished)[-1]["val_accuracy"]) > 0.7
    alone = train_recipe(load_recipe(recipe_file, ["training.teacher=null"]), tmp_path, silent()).run
    first, second = (run.read_json("environment.json")["initial_weights"] for run in (finished, alone))
    assert first == second
    assert history(finished)[0]["loss"] != history(alone)[0]["loss"]


def test_a_killed_run_goes_on_exactly_with_the_teacher_that_it_kept(recipe_file, teacher, finished, tmp_path, silent):
    class Stopping(silent):
        def progress(self, epoch, steps_done, steps, logs):
            if epoch == 1:
                raise KeyboardInterrupt

    gone = tmp_path / "gone"
    shutil.copytree(teacher.path, gone)
    loaded = load_recipe(recipe_file, [f"training.teacher.run={gone}"])
    with pytest.raises(KeyboardInterrupt):
        train_recipe(loaded, tmp_path / "runs", Stopping())
    shutil.rmtree(gone)
    run = find_run("small", tmp_path / "runs", finished=False)
    resumed = resume_run(loaded, run, silent()).run
    assert history(resumed) == history(finished)
    for one, other in zip(weights(resumed), weights(finished), strict=True):
        np.testing.assert_array_equal(one, other)
    assert reproduce(resumed, tmp_path / "again", silent()).verdict == "bit-identical"


def test_a_run_keeps_what_a_teacher_is(finished, teacher):
    kept = finished.path / TEACHER
    assert {path.name for path in kept.iterdir()} == {"resolved.yaml", "data.json", "preprocess.keras", "last.keras"}
    assert (kept / "last.keras").read_bytes() == (teacher.path / "last.keras").read_bytes()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.classes=['1', '2', '3']", "model.sequential.layers.2.Dense.units=3"], "teacher's classes are 0, 1, 2"),
        (
            ["data.resize={height: 16, width: 16}"],
            r"inputs are uint8 \[8, 8, 1\], but this recipe's are uint8 \[16",
        ),
        (["task=autoencoding", "data.augment=[]", "model.sequential.layers.2.Dense.units=64"], "has no classes"),
        (
            [
                "data.classes=['1', '2']",
                "data.augment=[]",
                "model.sequential.layers.2={Dense: {units: 1, activation: sigmoid}}",
            ],
            "one unit for both",
        ),
    ],
)
def test_a_teacher_of_something_else_is_refused_at_its_line(recipe_file, overrides, message):
    with pytest.raises(InputError, match=message) as caught:
        prepare(load_recipe(recipe_file, overrides))
    assert caught.value.problems[0].location.line == 22
    assert caught.value.problems[0].key.startswith("training.teacher")


def test_a_teacher_that_is_not_there_is_missing(recipe_file):
    with pytest.raises(MissingError, match=r"cannot find the run .*, which this network learns from") as caught:
        prepare(load_recipe(recipe_file, ["training.teacher.run=nowhere"]))
    assert "train it first: dlkit train nowhere" in caught.value.problems[0].hint


def test_a_teacher_that_tells_no_classes_apart_is_refused(recipe_file, tmp_path, silent):
    path = tmp_path / "values.yaml"
    shutil.copy(recipe_file, path)
    other = ["task=autoencoding", "data.augment=[]", "model.sequential.layers.2.Dense.units=64"]
    run = train_recipe(
        load_recipe(path, [*other, "training.teacher=null", "training.epochs=1"]), tmp_path / "runs", silent()
    ).run
    with pytest.raises(InputError, match="does not classify"):
        prepare(load_recipe(recipe_file, [f"training.teacher.run={run.path}"]))


def test_a_warning_where_the_teacher_may_know_what_is_held_out(recipe_file):
    assert may_know_validation(load_recipe(recipe_file)) is None
    assert may_know_validation(load_recipe(recipe_file, ["data.validation=none"])) is None
    other = load_recipe(recipe_file, ["data.validation.seed=1", "data.limit=900"])
    assert "with a different data.limit and data.validation, so it may have seen" in may_know_validation(other)


def test_a_teacher_is_found_where_runs_are_kept(dlkit, recipe_file, teacher, tmp_path):
    runs = tmp_path / "elsewhere"
    shutil.copytree(teacher.path, runs / "big" / teacher.path.name)
    command = ["train", recipe_file, "--set", "training.teacher.run=big", "--set", "training.epochs=1"]
    missing = dlkit(*command)
    assert missing.code == 3
    assert "dlkit train big" in missing.error
    assert dlkit(*command, "--runs-dir", runs).code == 0
    assert dlkit("evaluate", "small", "--runs-dir", runs).code == 0
    noted = dlkit(*command, "--runs-dir", runs, "--set", "data.validation.seed=5")
    assert "may have seen the validation examples" in noted.error
