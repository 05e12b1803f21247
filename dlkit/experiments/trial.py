"""One trial of a search: a training in a process of its own, watched epoch by epoch, and continued if it was killed."""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import SEEK_END
from pathlib import Path

from dlkit.errors import CheckError, ExitCode
from dlkit.experiments.children import COMMAND
from dlkit.machine.interruption import lifeline
from dlkit.recipe import LoadedRecipe, load_recipe
from dlkit.recipe.places import last_change, places, plain_without_places, with_absolute_places
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import list_runs
from dlkit.runs.history import history_so_far

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Trained:
    """A trial's run, the monitored value of each epoch, a digest of its first weights, and whether it was stopped."""

    run: Path
    values: list[float]
    initial_weights: str | None
    pruned: bool


class Trial:
    """A recipe with a trial's settings, and the folder that its run is in."""

    def __init__(self, loaded: LoadedRecipe, settings: Sequence[str], folder: Path, monitor: str) -> None:
        self._loaded, self._settings, self._folder, self._monitor = loaded, list(settings), folder, monitor

    def train(self, reported: Callable[[int, float], bool]) -> Trained | str:
        """Train to the end, or continue; return the result, or how the training failed.

        reported: gets every epoch and its value, in order, and returns whether to stop. Raises KeyboardInterrupt when
        the child was interrupted, and CheckError when a setting did not arrive in the run.
        """
        run = self._run()
        pruned, code, error = False, 0, ""
        if run is None or not run.finished:
            pruned, code, error = self._child(run is not None, reported)
        else:
            self._check_data(run)
        run = self._run()
        if run is None or (code not in (ExitCode.DONE, ExitCode.CHECK_FAILED) and not pruned):
            return error or f"ended with exit code {code}"
        self._check_settings(run)
        values = self._values(run)
        if not values:
            return error or f"ended with exit code {code} before its first epoch"
        pruned = pruned or any(reported(epoch, value) for epoch, value in enumerate(values))
        return Trained(run.path, values, run.read_json("environment.json").get("initial_weights"), pruned)

    def _run(self) -> RunDirectory | None:
        """Return the trial's run, if its training has begun."""
        runs = list_runs(self._folder)
        return RunDirectory(runs[-1]) if runs else None

    def _child(self, resume: bool, reported: Callable[[int, float], bool]) -> tuple[bool, int, str]:
        """Train in a child; return whether it was stopped early, its exit code and its last line of errors."""
        settings = [*self._loaded.overrides, *self._settings, "expect={}"]
        words = ["train", str(self._loaded.path), "--runs-dir", str(self._folder), "--json"]
        words += [word for text in settings for word in ("--set", text)]
        words += ["--resume"] if resume else []
        with lifeline() as options, (self._folder / "log.txt").open("a+") as log:
            start = log.seek(0, SEEK_END)
            process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.DEVNULL, stderr=log, **options)
            try:
                pruned = self._watch(process, reported)
                code = process.wait()
            except BaseException:
                process.terminate()
                process.wait()
                raise
            if code == ExitCode.INTERRUPTED and not pruned:
                raise KeyboardInterrupt
            log.seek(start)
            lines = [line for line in log.read().splitlines() if line.startswith("error")]
        return pruned, code, lines[-1] if lines else (f"was killed by signal {-code}" if code < 0 else "")

    def _watch(self, process: "subprocess.Popen[bytes]", reported: Callable[[int, float], bool]) -> bool:
        """Report epochs as they end; stop the child if the search wants to. Return whether it was stopped."""
        seen, run = 0, self._run()
        while process.poll() is None:
            run = run or self._run()
            values = self._values(run) if run else []
            for epoch in range(seen, len(values)):
                if reported(epoch, values[epoch]):
                    process.terminate()
                    process.wait()
                    return True
            seen = len(values)
            time.sleep(_POLL_SECONDS)
        return False

    def _values(self, run: RunDirectory) -> list[float]:
        """Return the monitored value of each epoch so far."""
        columns = history_so_far(run)
        if columns and self._monitor not in columns:
            raise CheckError(
                f"{run.path} has no {self._monitor}, which is compared", "compare settings of one task only"
            )
        return columns.get(self._monitor, [])

    @cached_property
    def _recipe(self) -> LoadedRecipe:
        return load_recipe(self._loaded.path, [*self._loaded.overrides, *self._settings, "expect={}"])

    def _check_data(self, run: RunDirectory) -> None:
        """Raise CheckError when the data is no longer that of the run.

        It is read only if a file is newer than the run, or in another place; the same content is the same data.
        """
        now, then = with_absolute_places(self._recipe), load_recipe(run.resolved_recipe)
        began = run.resolved_recipe.stat().st_mtime_ns
        if places(now) == places(then) and last_change(now) < began:
            return
        from dlkit.machine.tensorflow import start_tensorflow

        start_tensorflow()
        from dlkit.catalog.create import create_at
        from dlkit.data.fingerprint import record_fingerprint
        from dlkit.data.source import present_dataset
        from dlkit.data.splits import load_splits

        splits = load_splits(now.recipe.data, present_dataset(now.recipe), create_at(now.recipe.task).stratified)
        for name, split in splits.named().items():
            record_fingerprint(run, name, split)

    def _check_settings(self, run: RunDirectory) -> None:
        """Raise CheckError when the run was trained with other settings than the trial's."""
        if plain_without_places(load_recipe(run.resolved_recipe)) != plain_without_places(self._recipe):
            raise CheckError(
                f"{run.path} was not trained with the settings of its trial",
                "remove its folder and start again",
            )
