"""Trackers get everything once, and whatever they do, the training is the same."""

import errno
import json

import pytest

from dlkit.catalog.find import forget, use_folder
from dlkit.components.trackers.tensor_board import _last_steps
from dlkit.errors import RecipeError
from dlkit.experiments.reproduce import history
from dlkit.machine.interruption import Interrupted
from dlkit.process import COMPONENTS
from dlkit.recipe import load_recipe
from dlkit.recipe.contract import is_overridden
from dlkit.runs.find import find_run
from dlkit.training.request import TrainingPlan, TrainingRequest
from dlkit.training.run import train
from dlkit.training.trackers import flat

FAILING = """
from dlkit.interfaces.tracker import Tracker

class {name}(Tracker):
    \"\"\"Fails.\"\"\"

    def __init__(self, run, *, size: int = 1):
        super().__init__()
        self.write = lambda epoch, values: None
        if "{method}" == "init":
            raise {error}

    def {method}(self, *arguments):
        raise {error}
"""
LINES = """
import json
from dlkit.interfaces.tracker import Tracker

class Lines(Tracker):
    \"\"\"Writes a line for everything.\"\"\"

    def __init__(self, run, *, name: str = "lines"):
        super().__init__()
        self._path = run.folder / name
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        rows = [json.loads(line) for line in lines if line.startswith("[")]
        self.recorded = {name: epoch for epoch, values in rows for name in values}
        self._add(f"begins with {run.settings['training.batch_size']}")

    def _add(self, text):
        with self._path.open("a") as file:
            print(text, file=file)

    def write(self, epoch, values):
        self._add(json.dumps([epoch, {k: v for k, v in values.items() if k != "seconds"}]))

    def end(self, outcome):
        self._add(outcome)
"""
ERRORS = {
    "init": "ModuleNotFoundError('no module named it')",
    "start": "SystemExit(3)",
    "begin": "RuntimeError('cannot begin')",
    "progress": "ValueError('cannot progress')",
    "epoch_done": f"OSError({errno.ENOSPC}, 'No space left on device')",
    "end": "KeyError('end')",
}
SMALL = ["training.epochs=3", "data.limit=100"]


@pytest.fixture
def noting(silent):
    class Kept(silent):
        def __init__(self):
            super().__init__()
            self.notes = []

        def note(self, text):
            self.notes.append(text)

    return Kept()


@pytest.fixture
def components(tmp_path, monkeypatch):
    """Components of a user's own: Lines, and one tracker for each method, which fails in it."""
    folder = tmp_path / "own" / "trackers"
    folder.mkdir(parents=True)
    (folder / "lines.py").write_text(LINES)
    for method, error in ERRORS.items():
        name = f"FailsIn{method.title().replace('_', '')}"
        (folder / f"{name.lower()}.py").write_text(FAILING.format(name=name, method=method, error=error))
    monkeypatch.setenv(COMPONENTS, "")
    use_folder(folder.parent)
    yield
    monkeypatch.undo()
    forget()


def loaded(*trackers):
    return load_recipe("digits_mlp", [*SMALL, f"training.trackers={json.dumps(trackers)}"])


@pytest.fixture(scope="module")
def untracked(tmp_path_factory, silent):
    plan = TrainingPlan(load_recipe("digits_mlp", SMALL), tmp_path_factory.mktemp("untracked"))
    return train(plan, silent()).run


def final(run):
    return history(run), run.read_json("metrics.json")


def test_whatever_fails_costs_one_warning_and_the_training_is_the_same(components, tmp_path, noting, untracked):
    failing = ["FailsInInit", "FailsInStart", "FailsInBegin", "FailsInProgress", "FailsInEpochDone", "FailsInEnd"]
    run = train(TrainingPlan(loaded(*failing, "Lines"), tmp_path / "runs"), noting).run
    assert final(run) == final(untracked)
    warnings = [note for note in noting.notes if note.startswith("warning: the tracker")]
    reasons = ["no module named it", "it exits", "cannot begin", "cannot progress", "No space left on device", "end"]
    assert len(warnings) == len(reasons)
    for name, reason in zip(failing, reasons, strict=True):
        (text,) = [text for text in warnings if f" {name} failed" in text]
        assert reason in text
    lines = (run.path / "trackers" / "Lines" / "lines").read_text().splitlines()
    assert [lines[0], lines[-1]] == ["begins with 32", "finished"]
    rows = [json.loads(line) for line in lines[1:-1]]
    assert [epoch for epoch, _ in rows] == [0, 1, 2]
    assert rows[2][1]["val_loss"] == pytest.approx(float(history(run)[2]["val_loss"]), abs=0)


def test_a_training_that_stops_and_continues_is_one_record(components, tmp_path, noting, untracked):
    class Stopping(type(noting)):
        def epoch_done(self, epoch, row):
            super().epoch_done(epoch, row)
            raise Interrupted("stopped after the trackers were told, before the snapshot")

    plan = TrainingPlan(loaded("Lines", "TensorBoard"), tmp_path)
    with pytest.raises(Interrupted):
        train(plan, Stopping())
    found = find_run("digits_mlp", tmp_path, finished=False)
    run = train(TrainingPlan(plan.loaded, tmp_path, unfinished=found), noting).run
    assert final(run) == final(untracked)
    lines = (run.path / "trackers" / "Lines" / "lines").read_text().splitlines()
    assert lines[:2] == ["begins with 32", "interrupted"]
    assert [json.loads(line)[0] for line in lines if line.startswith("[")] == [0, 1, 2]
    assert set(_last_steps(run.path / "trackers" / "TensorBoard").values()) == {2}


def test_other_trackers_do_not_make_another_recipe(tmp_path, trained_run):
    plan = TrainingRequest(
        "digits_mlp",
        trained_run.path.parent.parent,
        ["training.epochs=4", "training.trackers=[TensorBoard]"],
        resume=True,
        run=str(trained_run.path),
    ).resolve()
    assert [tracker.name for tracker in plan.loaded.recipe.training.trackers] == ["TensorBoard"]
    assert not is_overridden(["training.trackers=[TensorBoard]", "training.trackers.0=TensorBoard"])
    assert is_overridden(["training.trackers=[TensorBoard]", "training.epochs=1"])


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{MLflow: {tracking_uri: 'http://a.example'}}", "may not set tracking_uri", "set MLFLOW_TRACKING_URI in your"),
        ("{Wandb: {mode: online}}", "may not set mode", "set WANDB_MODE in your environment"),
        ("{Wandb: {entity: them}}", "may not set entity", "set WANDB_ENTITY in your environment"),
        ("{MLflow: {experiment: 'http://a.example'}}", "experiment must be a plain name", "letters, digits, spaces"),
        ("{Wandb: {project: ../x}}", "project must be a plain name", "letters, digits, spaces"),
        ("{MLflow: {experimant: x}}", "unknown key 'experimant'", "did you mean 'experiment'?"),
        ("Mlflow", "unknown tracker 'Mlflow'", "did you mean 'MLflow'?"),
        ("EarlyStopping", "unknown tracker 'EarlyStopping'", "EarlyStopping is a callback, which belongs in"),
        ("TensorBoard, TensorBoard", "TensorBoard is listed 2 times", ""),
    ],
)
def test_trackers_that_a_recipe_may_not_have(text, message, hint):
    with pytest.raises(RecipeError, match=message) as caught:
        load_recipe("digits_mlp", [f"training.trackers=[{text}]"])
    (problem,) = caught.value.problems
    assert problem.hint.startswith(hint) or hint in problem.hint
    assert problem.location is not None


def test_a_missing_package_is_told_with_its_command(monkeypatch, dlkit):
    monkeypatch.setattr("dlkit.catalog.find.find_spec", lambda name: None)
    settings = ("--set", "training.trackers=[MLflow, TensorBoard, Wandb]")
    for verb in ("validate", "train"):
        result = dlkit(verb, "digits_mlp", *settings)
        assert result.code == 2
        assert "tracker MLflow needs dlkit[mlflow], which is not installed" in result.error
        assert "python -m pip install 'dlkit[wandb]'" in result.error
    assert load_recipe("digits_mlp", settings[1:]).recipe.training.trackers[2].name == "Wandb"  # as evaluate opens it


def test_settings_are_flat_and_plain_lists_are_one_value():
    plain = {"model": {"sequential": {"layers": ["Flatten", {"Dense": {"units": 10}}]}}, "data": {"x": [[1, 2], [3]]}}
    assert flat(plain) == {
        "model.sequential.layers.0": "Flatten",
        "model.sequential.layers.1.Dense.units": 10,
        "data.x": "[[1, 2], [3]]",
    }
