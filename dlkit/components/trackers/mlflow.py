"""A tracker that records runs with MLflow."""

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dlkit.files.atomic import write_text
from dlkit.interfaces.reporter import Outcome
from dlkit.interfaces.tracker import TrackedRun, Tracker
from dlkit.process import variable

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_STATUS: dict[Outcome, str] = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
_PARAMETERS_PER_CALL, _LONGEST_KEY = 100, 250
# MLflow reports its use to its makers, refuses stores of files, and waits for a quarter of an hour for a server.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


class MLflow(Tracker):
    """Records settings as parameters and the history's columns as metrics, with MLflow (`dlkit[mlflow]`).

    It writes into the run: show it with `mlflow ui --backend-store-uri RUN/trackers/MLflow/store`. If your variable
    MLFLOW_TRACKING_URI names a server or a store, it records there instead; with `--offline` only if that is a local
    file. The experiment is the recipe's name by default.
    """

    def __init__(self, run: TrackedRun, *, experiment: str | None = None) -> None:
        super().__init__()
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        from mlflow.tracking import MlflowClient

        self._client = MlflowClient(tracking_uri=_store(run))
        self._id = self._continued(run.folder / "run_id") or self._created(run, experiment or run.recipe)
        self._add_parameters(run.settings)

    def epoch_done(self, epoch: int, row: Mapping[str, float]) -> None:
        """Record the values of an epoch's row, under names that MLflow allows."""
        super().epoch_done(epoch, {_key(name): value for name, value in row.items()})

    def write(self, epoch: int, values: Mapping[str, float]) -> None:
        """Record an epoch's values as metrics of that step."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        self._client.log_batch(self._id, metrics=[Metric(n, v, now, epoch) for n, v in values.items()])

    def end(self, outcome: Outcome) -> None:
        """Say how the training ended."""
        self._client.set_terminated(self._id, _STATUS[outcome])

    def _created(self, run: TrackedRun, experiment: str) -> str:
        """Create a run of MLflow, and keep its id."""
        known = self._client.get_experiment_by_name(experiment)
        number = known.experiment_id if known else self._client.create_experiment(experiment)
        made: str = self._client.create_run(number, run_name=run.name).info.run_id
        write_text(run.folder / "run_id", made)
        return made

    def _continued(self, kept: Path) -> str | None:
        """Return the id of the run that an earlier part of the training began, and read what it recorded."""
        run_id = kept.read_text().strip() if kept.is_file() else ""
        if not _RUN_ID.fullmatch(run_id):
            return None
        for name in self._client.get_run(run_id).data.metrics:
            self.recorded[name] = max(metric.step for metric in self._client.get_metric_history(run_id, name))
        self._client.update_run(run_id, status="RUNNING")
        return run_id

    def _add_parameters(self, settings: Mapping[str, Any]) -> None:
        """Record the settings that are not recorded yet; MLflow does not let them change."""
        from mlflow.entities import Param

        known = self._client.get_run(self._id).data.params
        new = [Param(_key(name), str(value)) for name, value in settings.items() if _key(name) not in known]
        for start in range(0, len(new), _PARAMETERS_PER_CALL):
            self._client.log_batch(self._id, params=new[start : start + _PARAMETERS_PER_CALL])


def _store(run: TrackedRun) -> str:
    """Return the store that the user's environment names, or one inside the run without it or if it may not be used."""
    named = variable("MLFLOW_TRACKING_URI")
    if named and not (run.offline and not _is_local(named)):
        return named
    return (run.folder / "store").as_uri()


def _is_local(uri: str) -> bool:
    """Return whether a store is a file of this machine, so that it opens no connection."""
    parts = urlsplit(uri)
    return parts.scheme in ("", "file", "sqlite") and not parts.netloc and uri != "databricks"


def _key(name: str) -> str:
    """Return a name with the characters that MLflow allows."""
    return re.sub(r"[^\w.\- ]", "_", name)[:_LONGEST_KEY]
