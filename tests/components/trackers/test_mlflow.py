"""MLflow: one run however often the training continues, every step once, and no server that the user did not name."""

import json
import os

import pytest

from dlkit.components.trackers.mlflow import MLflow, _is_local

# What dlkit uses of MLflow, as strict as the original, with one JSON file for each run. Its state names the store.
STAND_IN = """
import json, os, re, pathlib
from types import SimpleNamespace as Of

class Metric:
    def __init__(self, key, value, timestamp, step):
        self.key, self.value, self.timestamp, self.step = key, value, timestamp, step

class Param:
    def __init__(self, key, value):
        self.key, self.value = key, value

def _checked(key):
    assert re.fullmatch(r"[/\\w.\\- :]{1,250}", key), key

class MlflowClient:
    def __init__(self, tracking_uri):
        assert os.environ["MLFLOW_ALLOW_FILE_STORE"] == os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
        assert tracking_uri.startswith("file:///"), f"no connection to {tracking_uri}"
        self.folder = pathlib.Path(tracking_uri[7:])
        self.folder.mkdir(exist_ok=True)

    def _read(self, run_id):
        return json.loads((self.folder / f"{run_id}.json").read_text())

    def _write(self, run_id, content):
        (self.folder / f"{run_id}.json").write_text(json.dumps(content))

    def get_experiment_by_name(self, name):
        return Of(experiment_id=name) if (self.folder / name).exists() else None

    def create_experiment(self, name):
        (self.folder / name).mkdir()
        return name

    def create_run(self, experiment_id, run_name):
        run_id = f"{len(list(self.folder.glob('*.json'))):032x}"
        self._write(run_id, {"experiment": experiment_id, "name": run_name, "status": "RUNNING", "metrics": [],
                             "params": {}})
        return Of(info=Of(run_id=run_id))

    def get_run(self, run_id):
        content = self._read(run_id)
        return Of(data=Of(params=content["params"], metrics={key: value for key, value, step in content["metrics"]}))

    def get_metric_history(self, run_id, key):
        return [Metric(*entry[:2], 0, entry[2]) for entry in self._read(run_id)["metrics"] if entry[0] == key]

    def log_batch(self, run_id, metrics=(), params=()):
        assert len(params) <= 100
        content = self._read(run_id)
        for metric in metrics:
            _checked(metric.key)
            content["metrics"].append([metric.key, metric.value, metric.step])
        for param in params:
            _checked(param.key)
            assert content["params"].setdefault(param.key, param.value) == param.value
        self._write(run_id, content)

    def update_run(self, run_id, status):
        self._write(run_id, self._read(run_id) | {"status": status})

    set_terminated = update_run
"""


@pytest.fixture(autouse=True)
def _mlflow(installed, monkeypatch):
    installed("mlflow", STAND_IN, "tracking", "entities")
    for name in ("MLFLOW_TRACKING_URI", *(name for name in os.environ if name.startswith("MLFLOW_"))):
        monkeypatch.delenv(name, raising=False)


def only_run(folder):
    (path,) = folder.glob("*.json")
    return json.loads(path.read_text())


def test_settings_epochs_and_the_end_are_recorded_inside_the_run(tracked):
    run = tracked(**{"training.batch_size": 32, "model.layers.0": "Flatten"})
    tracker = MLflow(run)
    tracker.epoch_done(0, {"epoch": 0, "phase": 0, "loss": 0.5, "learning_rate": 0.1})
    tracker.epoch_done(1, {"epoch": 1, "phase": 0, "loss": 0.25, "learning_rate": 0.1})
    assert only_run(run.folder / "store")["status"] == "RUNNING"
    tracker.end("finished")
    assert only_run(run.folder / "store") == {
        "experiment": "digits_mlp",
        "name": "20260101-120000",
        "status": "FINISHED",
        "metrics": [["loss", 0.5, 0], ["learning_rate", 0.1, 0], ["loss", 0.25, 1], ["learning_rate", 0.1, 1]],
        "params": {"training.batch_size": "32", "model.layers.0": "Flatten"},
    }


@pytest.mark.parametrize(("outcome", "status"), [("interrupted", "KILLED"), ("failed", "FAILED")])
def test_a_training_that_ends_early_is_marked(tracked, outcome, status):
    run = tracked()
    MLflow(run, experiment="mine").end(outcome)
    recorded = only_run(run.folder / "store")
    assert (recorded["experiment"], recorded["status"]) == ("mine", status)


def test_a_continued_training_is_the_same_run_with_every_step_once(tracked):
    run = tracked(**{"training.epochs": 2})
    first = MLflow(run)
    first.epoch_done(0, {"loss": 0.5})
    first.write(1, {"loss": 0.25})  # killed in the middle of the row, before val_loss
    again = MLflow(tracked(**{"training.epochs": 3, "training.seed": 0}))
    assert only_run(run.folder / "store")["status"] == "RUNNING"
    for epoch, loss in enumerate([0.5, 0.25, 0.125]):
        again.epoch_done(epoch, {"loss": loss} | ({"val_loss": 1.0} if epoch else {}))
    recorded = only_run(run.folder / "store")
    assert [step for name, _, step in recorded["metrics"] if name == "loss"] == [0, 1, 2]
    assert [step for name, _, step in recorded["metrics"] if name == "val_loss"] == [1, 2]
    assert recorded["params"] == {"training.epochs": "2", "training.seed": "0"}  # MLflow never changes a parameter


def test_names_that_mlflow_does_not_allow_are_changed(tracked):
    run = tracked(**{"task.class_weights.Größe!": 2.0})
    MLflow(run).epoch_done(0, {"recall of 'a/b'": 1.0})
    assert MLflow(run).recorded == {"recall of _a_b_": 0}
    assert only_run(run.folder / "store")["params"] == {"task.class_weights.Größe_": "2.0"}


def test_more_settings_than_one_call_takes(tracked):
    run = tracked(**{f"setting.{number}": number for number in range(250)})
    MLflow(run)
    assert len(only_run(run.folder / "store")["params"]) == 250


def test_the_store_is_the_users_and_never_a_server_when_offline(tracked, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mine").as_uri())
    MLflow(tracked(offline=True))
    assert only_run(tmp_path / "mine")["experiment"] == "digits_mlp"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://192.0.2.1:5000")
    with pytest.raises(AssertionError, match=r"no connection to http://192\.0\.2\.1:5000"):
        MLflow(tracked())
    (tmp_path / "run" / "run_id").unlink()
    MLflow(tracked(offline=True))
    assert only_run(tmp_path / "run" / "store")["experiment"] == "digits_mlp"


@pytest.mark.parametrize(
    "uri", ["https://a", "databricks", "databricks://profile", "postgresql://a/b", "file://host/a"]
)
def test_what_may_open_a_connection_is_not_local(uri):
    assert not _is_local(uri)


@pytest.mark.parametrize("uri", ["mlruns", "/data/mlruns", "file:///data/mlruns", "sqlite:///mlflow.db"])
def test_files_are_local(uri):
    assert _is_local(uri)


def test_an_id_from_someone_elses_run_leads_nowhere(tracked):
    run = tracked()
    (run.folder / "run_id").write_text("../../../elsewhere")
    MLflow(run)
    assert (run.folder / "run_id").read_text() == "0" * 32
