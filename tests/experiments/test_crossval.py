"""crossval: every example of train is predicted once by a network that has not seen it; the ensemble is a mean."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dlkit.errors import CheckError, InputError
from dlkit.evaluation.report import measure, network_outputs
from dlkit.experiments.crossval import folder_of, measure_folds, train_folds
from dlkit.experiments.search import taken
from dlkit.experiments.trial import Trial
from dlkit.model.splits import read_split
from dlkit.model.trained import open_run
from dlkit.recipe import load_recipe
from dlkit.training.run import resume_run, train_recipe

FOLDS = 3
LOADED = load_recipe("digits_mlp", ["training.epochs=2", "data.limit=240"])


def settings_of(trial):
    return load_recipe(trial._loaded.path, [*trial._loaded.overrides, *trial._settings, "expect={}"])


@pytest.fixture
def trained_here(monkeypatch, silent):
    """Train in this process instead of a child; gives the folds that were trained, in order."""
    begun = []

    def child(self, resume, reported):
        begun.append(self._folder.name)
        train_recipe(settings_of(self), self._folder, silent())
        return False, 0, ""

    monkeypatch.setattr(Trial, "_child", child)
    return begun


@pytest.fixture(scope="module")
def whole(tmp_path_factory, silent):
    """The folder of an undisturbed cross-validation, and what it measured."""
    folder = tmp_path_factory.mktemp("whole")

    def child(self, resume, reported):
        train_recipe(settings_of(self), self._folder, silent())
        return False, 0, ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trial, "_child", child)
        return folder, measure_folds(folds(folder), folder)


def begun_like(whole, folder, count):
    """Copy the first folds of a cross-validation, as one that was stopped has them."""
    for number in range(count):
        shutil.copytree(whole / f"fold_{number:02d}", folder / f"fold_{number:02d}")


def folds(folder, **settings):
    return train_folds(LOADED, folder, FOLDS, settings.get("seed", 0), lambda fold, run: None)


def test_predictions_and_ensemble(whole, trained_here):
    folder, content = whole
    runs = folds(folder)
    assert trained_here == []
    assert json.loads((folder / "crossval.json").read_text()) == content
    with np.load(folder / "predictions.npz") as kept:
        index, fold, outputs, expected = (kept[name] for name in ("index", "fold", "outputs", "expected"))
    assert index.tolist() == list(range(240))
    assert np.bincount(fold).tolist() == [80] * FOLDS
    right = outputs.argmax(1) == expected.argmax(1)
    assert content["out_of_fold"]["accuracy"] == pytest.approx(right.mean())
    for entry in content["folds"]:
        assert entry["validation"]["accuracy"] == pytest.approx(right[fold == entry["fold"]].mean())
    trained = [open_run(run) for run in runs]
    tested = read_split(trained[0], "test")
    each = [network_outputs(one.built, one.loaded.recipe, tested) for one in trained]
    mean = np.mean([outputs for outputs, *_ in each], 0)
    assert content["ensemble"]["accuracy"] == pytest.approx((mean.argmax(1) == each[0][1].argmax(1)).mean())
    accuracies = [measure(one.built, one.loaded.recipe, tested)["accuracy"] for one in trained]
    assert [entry["test"]["accuracy"] for entry in content["folds"]] == pytest.approx(accuracies)
    assert content["statistics"]["test"]["accuracy"]["mean"] == pytest.approx(np.mean(accuracies))


def test_an_interrupted_cross_validation_continues(trained_here, tmp_path, monkeypatch):
    child = Trial._child

    def interrupted(self, resume, reported):
        if self._folder.name == "fold_01":
            raise KeyboardInterrupt
        return child(self, resume, reported)

    with monkeypatch.context() as patch:
        patch.setattr(Trial, "_child", interrupted)
        with pytest.raises(KeyboardInterrupt):
            folds(tmp_path)
    assert trained_here == ["fold_00"]
    runs = folds(tmp_path)
    assert trained_here == ["fold_00", "fold_01", "fold_02"]
    assert [run.path for run in folds(tmp_path)] == [run.path for run in runs]
    assert len(trained_here) == FOLDS
    with pytest.raises(CheckError, match="was not trained with the settings of its trial"):
        folds(tmp_path, seed=1)
    lock = taken(tmp_path / ".lock")
    with lock, pytest.raises(InputError, match="another process works on the folds"):
        folds(tmp_path)


def test_a_fold_that_fails_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(Trial, "_child", lambda *_: (False, 3, "error: no data"))
    with pytest.raises(CheckError, match="fold 0 failed: error: no data"):
        folds(tmp_path)


def test_the_figure_has_a_panel_per_metric():
    from dlkit.figures.crossval import crossval_figure

    metrics = {"loss": 0.1, "accuracy": 0.9}
    result = {"folds": [{"validation": metrics, "test": metrics}] * 2, "ensemble": metrics}
    figure = crossval_figure(result)
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    assert len(figure.axes[0].lines) == 3
    (legend,) = figure.legends  # beside the panels, so that it hides no fold
    assert [text.get_text() for text in legend.get_texts()] == ["held-out fold", "test", "ensemble, test"]


def test_a_fold_that_was_stopped_within_an_epoch_continues_to_the_same_figures(
    whole, trained_here, tmp_path, monkeypatch, stopped, reporter
):
    folder, content = whole
    begun_like(folder, tmp_path / "part", 1)
    child = Trial._child

    def killed(self, resume, reported):
        loaded = settings_of(self)
        if self._folder.name == "fold_01" and not resume:
            stopped(loaded, self._folder, reporter, 3)
            raise KeyboardInterrupt
        if resume:
            resume_run(loaded, self._run(), reporter)
            return False, 0, ""
        return child(self, resume, reported)

    with monkeypatch.context() as patch:
        patch.setattr(Trial, "_child", killed)
        with pytest.raises(KeyboardInterrupt):
            folds(tmp_path / "part")
        again = measure_folds(folds(tmp_path / "part"), tmp_path / "part")

    def figures(content):
        return [{**entry, "run": ""} for entry in content["folds"]], content["ensemble"], content["out_of_fold"]

    assert trained_here == ["fold_02"]
    assert figures(again) == figures(content)
    for name in ("index", "fold", "outputs", "expected"):
        with np.load(folder / "predictions.npz") as one, np.load(tmp_path / "part/predictions.npz") as other:
            np.testing.assert_array_equal(one[name], other[name])


def test_folds_are_whole_numbers_in_the_figure():
    from dlkit.figures.crossval import crossval_figure

    entries = [{"validation": {"accuracy": 0.9}, "test": {"accuracy": 0.8}} for _ in range(3)]
    axes = crossval_figure({"folds": entries, "ensemble": {"accuracy": 0.85}}).axes[0]
    assert all(float(tick).is_integer() for tick in axes.get_xticks())


DIGITS = ["data.source=digits", "data.limit=120", "training.epochs=1", "expect={}"]


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("diabetes_csv", ["training.epochs=3"]),
        ("vae", [*DIGITS, "model.autoencoder.decoder.1.Dense.units=64", "task.autoencoding.metrics=[mae]"]),
        ("ae_masked", [*DIGITS, "data.resize={height: 28, width: 28}", "task.autoencoding.metrics=[mae]"]),
    ],
)
def test_out_of_fold_and_ensemble_are_in_the_units_of_the_folds(recipe, settings, trained_here, tmp_path):
    """Scaled targets, several outputs, and weights of values."""
    folder = tmp_path / "folds"
    content = measure_folds(train_folds(load_recipe(recipe, settings), folder, 2, 0, lambda *_: None), folder)
    held = [entry["validation"] for entry in content["folds"]]
    assert content["out_of_fold"]["mae"] == pytest.approx(np.mean([one["mae"] for one in held]), rel=1e-4)
    assert content["out_of_fold"]["loss"] == pytest.approx(np.mean([one["loss"] for one in held]), rel=1e-3)
    tested = [entry["test"] for entry in content["folds"]]
    assert content["ensemble"]["mae"] < 1.02 * np.mean([one["mae"] for one in tested])
    assert ("loss" in content["ensemble"]) == (recipe == "ae_masked")


def test_other_data_is_not_measured_with_old_folds(trained_here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = ["x,y", *(f"{n % 7},{'yes' if n % 2 else 'no'}" for n in range(40))]
    Path("a.csv").write_text("\n".join(rows))
    Path("b.csv").write_text("\n".join(rows[:31]))
    source = "data.source={csv: {file: %s, target: y}}"
    few = ["training.epochs=1", "expect={}", "data.validation=none"]
    one, other = (load_recipe("wine_csv", [*few[:2], source % name]) for name in ("a.csv", "b.csv"))
    assert folder_of(one, tmp_path, 2, 0) != folder_of(other, tmp_path, 2, 0)
    folder = folder_of(one, tmp_path, 2, 0)
    runs = train_folds(one, folder, 2, 0, lambda *_: None)
    Path("a.csv").touch()
    again = train_folds(one, folder, 2, 0, lambda *_: None)  # the same content is the same data
    assert [run.path for run in again] == [run.path for run in runs]
    shutil.copy("b.csv", "a.csv")
    with pytest.raises(CheckError, match="the train data differs from the data of"):
        train_folds(one, folder, 2, 0, lambda *_: None)
    with pytest.raises(CheckError, match="the validation data differs from the data of"):
        measure_folds(runs, folder)
    with pytest.raises(InputError, match="crossval holds the folds out itself"):
        train_folds(load_recipe("wine_csv", few), folder, 2, 0, lambda *_: None)


def test_more_folds_than_examples_are_refused_before_anything_is_trained(dlkit):
    done = dlkit("crossval", "wine_csv", "--folds", "500")
    assert done.code == 2
    assert "--folds is 500, but train has 142 examples" in done.error


def test_transcripts_are_refused_before_anything_is_trained(dlkit):
    done = dlkit("crossval", "deepspeech_mini", "--folds", "3")
    assert done.code == 2
    assert "those of recordings differ in length" in done.error
    assert "dlkit repeat" in done.error
