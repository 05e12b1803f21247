"""Train and export for a few seconds in a temporary folder, to check that both work and how fast training is."""

import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dlkit.doctor.checks import Finding
from dlkit.errors import DlkitError, ExitCode
from dlkit.interfaces.reporter import Reporter

RECIPE = "digits_mlp"
SECONDS = 10.0
EPOCHS = 100_000  # more than fit into SECONDS anywhere
SLOW = 10_000.0  # images per second; two busy cores do three times as many


class Stopwatch(Reporter):
    """Ends a training after a time limit, and records the seconds of each epoch."""

    def __init__(self, seconds: float) -> None:
        self._limit = seconds
        self._started = time.monotonic()
        self.seconds: list[float] = []

    def epoch_done(self, epoch: int, row: Mapping[str, Any]) -> None:
        """Record the epoch's time, and stop the training when the time is up."""
        self.seconds.append(float(row["seconds"]))
        if time.monotonic() - self._started > self._limit:
            raise TimeOver


class TimeOver(Exception):
    """Raised when the trial has reached its time limit."""


def trial(seconds: float = SECONDS) -> Finding:
    """Train for a few seconds, then train two epochs and export them with a certificate; return the finding."""
    try:
        with tempfile.TemporaryDirectory(prefix="dlkit-doctor-") as folder:
            speed = images_per_second(Path(folder), seconds)
            export_seconds = _export(Path(folder))
    except DlkitError as error:
        if error.exit_code == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt from error
        return Finding("training", "problem", f"failed: {error}", error.problems[0].hint)
    except Exception as error:  # whatever breaks here would break every training
        return Finding("training", "problem", f"failed: {type(error).__name__}: {error}", "reinstall the libraries")
    text = f"{RECIPE} trains at {speed:,.0f} images/s; its export and certificate take {export_seconds:.1f} s"
    if speed < SLOW:
        hint = "close other programs; check that dlkit may use all cores and that oneDNN is on"
        return Finding("training", "warning", f"{text}, which is slow", hint)
    return Finding("training", "ok", text)


def images_per_second(folder: Path, seconds: float) -> float:
    """Return the speed of the median epoch of a training that is stopped after a few seconds."""
    from statistics import median

    from dlkit.recipe import load_recipe
    from dlkit.training.prepare import prepare
    from dlkit.training.run import train_recipe

    loaded = load_recipe(RECIPE, [f"training.epochs={EPOCHS}", "data.validation=none"])
    prepared = prepare(loaded)
    watch = Stopwatch(seconds)
    with suppress(TimeOver):
        train_recipe(loaded, folder, watch, prepared=prepared)
    return len(prepared.splits.train) / max(median(watch.seconds), 1e-6)


def _export(folder: Path) -> float:
    """Return the seconds that exporting and certifying a trained model takes."""
    from dlkit.export import export as exporting
    from dlkit.model import trained as trained_model
    from dlkit.recipe import load_recipe
    from dlkit.training.run import train_recipe

    run = train_recipe(load_recipe(RECIPE, ["training.epochs=2"]), folder, Stopwatch(float("inf"))).run
    begun = time.monotonic()
    exporting.export(trained_model.open_run(run, "last"), "saved_model", None)
    return time.monotonic() - begun
