"""A tracker that records runs with Weights & Biases."""

import json
import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlkit.files.atomic import write_text
from dlkit.interfaces.reporter import Outcome
from dlkit.interfaces.tracker import TrackedRun, Tracker
from dlkit.process import set_variable, variable

_ID = re.compile(r"[0-9a-z]{8}")


class Wandb(Tracker):
    """Records settings and the history's columns with Weights & Biases (`dlkit[wandb]`), offline and into the run.

    Send them with `wandb sync RUN/trackers/Wandb/wandb/offline-run-*`. With WANDB_MODE=online in your environment they
    are sent at once, never with `--offline`. The project is the recipe's name by default.
    """

    def __init__(self, run: TrackedRun, *, project: str | None = None) -> None:
        super().__init__()
        self._kept = run.folder / "recorded.json"
        kept = json.loads(self._kept.read_text()) if self._kept.is_file() else {}
        identity = kept.get("id", "")
        self._id = identity if _ID.fullmatch(identity) else secrets.token_hex(4)
        self.recorded = {name: int(epoch) for name, epoch in kept.get("recorded", {}).items()}
        self._keep()
        self._run = _begun(run, project or run.recipe, self._id)

    def write(self, epoch: int, values: Mapping[str, float]) -> None:
        """Record an epoch's values as those of that step."""
        self._run.log(dict(values), step=epoch)
        self._keep(dict.fromkeys(values, epoch))

    def end(self, outcome: Outcome) -> None:
        """Finish the record."""
        self._run.finish(exit_code=0 if outcome == "finished" else 1)

    def _keep(self, recorded: Mapping[str, int] | None = None) -> None:
        """Keep the id and what was recorded, for a training that continues: offline, W&B does not say it."""
        write_text(self._kept, json.dumps({"id": self._id, "recorded": self.recorded | dict(recorded or {})}))


def _begun(run: TrackedRun, project: str, identity: str) -> Any:
    """Begin or continue a run of W&B that writes inside the folder and changes nothing else in this process."""
    mode = "offline" if run.offline else variable("WANDB_MODE") or "offline"
    inside = dict.fromkeys(("WANDB_CACHE_DIR", "WANDB_DATA_DIR"), str(run.folder / "cache"))
    with _as_before(run.folder), _environment(inside | {"WANDB_ERROR_REPORTING": "false"}):
        import wandb

        return wandb.init(
            project=project,
            id=identity,
            name=run.name,
            dir=str(run.folder),
            config=dict(run.settings),
            resume="allow",
            settings=wandb.Settings(
                mode=mode, console="off", silent=True, symlink=False, disable_git=True, disable_code=True
            ),
        )


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            set_variable(name, value)


@contextmanager
def _as_before(folder: Path) -> Iterator[None]:
    """Undo what W&B does beside its work: a hook for exceptions, and links to its logs.

    The links are absolute: in a run that has moved they lead out of it, and no verb opens such a run.
    """
    hook = sys.excepthook
    try:
        yield
    finally:
        sys.excepthook = hook
        for link in [path for path in folder.rglob("*") if path.is_symlink()]:
            link.unlink()
