"""Search for the best settings of a recipe: Optuna chooses, and every trial is a training of its own.

A study is a folder. Any number of processes may work on it at once, on any machine that sees the folder: Optuna's
journal file holds what was chosen and found, and a lock on a trial's folder says who works on it. A trial whose worker
has ended is continued by the next one, in the middle of its training. The settings of trial N are drawn with a seed
made of the search's and N, so one worker that is stopped at any moment makes the same choices as one that is not.
"""

import fcntl
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.errors import CheckError, InputError
from dlkit.experiments import optuna_choices as choices
from dlkit.experiments.trial import Trained, Trial
from dlkit.files.atomic import write_text
from dlkit.recipe import LoadedRecipe, load_recipe, resolved_yaml
from dlkit.recipe.space import LoadedSearch, decoded

JOURNAL, SETTINGS, BEST = "journal.log", "search.json", "best.yaml"


@dataclass(frozen=True)
class Search:
    """A search for one recipe in the folder of its study.

    monitor: the validation metric that is compared, by its best epoch. direction: minimize or maximize.
    """

    loaded: LoadedRecipe
    found: LoadedSearch
    folder: Path
    monitor: str
    direction: str

    def run(self, done: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Work on trials until there is none left; return the study's results. `done` gets every trial's result."""
        optuna = choices.optuna()
        self.folder.mkdir(parents=True, exist_ok=True)
        study = self._study(optuna)
        while (begun := self._next(optuna, study)) is not None:
            trial, lock = begun
            with lock:
                done(self._one(optuna, study, trial))
        return self._results(study)

    def importances(self) -> dict[str, float]:
        """Return how much of the differences between trials each key explains, as shares of 1 (fANOVA)."""
        optuna = choices.optuna()
        seed = self.found.search.seed
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
        found: dict[str, float] = optuna.importance.get_param_importances(self._study(optuna), evaluator=evaluator)
        return found

    def _study(self, optuna: Any) -> Any:
        """Return the folder's study; raise CheckError if it is one of another search."""
        settings = {
            "recipe": {name: value for name, value in self.loaded.plain.items() if name != "search"},
            "search": {name: value for name, value in self.found.plain.items() if name != "trials"},
            "monitor": self.monitor,
            "direction": self.direction,
        }
        path = self.folder / SETTINGS
        with locked(self.folder / ".lock"):
            if not path.exists():
                write_text(path, json.dumps(settings, indent=2) + "\n")
            elif (known := json.loads(path.read_text())) != json.loads(json.dumps(settings)):
                changed = [name for name in settings if known.get(name) != settings[name]]
                raise CheckError(
                    f"the study in {self.folder} has another {' and '.join(changed)}",
                    "give this search a study of its own: --study NAME",
                )
            backend = optuna.storages.journal.JournalFileBackend(str(self.folder / JOURNAL))
            return optuna.create_study(
                storage=optuna.storages.JournalStorage(backend),
                study_name="search",
                direction=self.direction,
                pruner=choices.pruner(self.found),
                load_if_exists=True,
            )

    def _next(self, optuna: Any, study: Any) -> tuple[Any, Any] | None:
        """Return the next trial to work on with its lock: one that nobody works on any more, else a new one."""
        states = optuna.trial.TrialState
        with locked(self.folder / ".lock"):
            trials = study.get_trials(deepcopy=False)
            for frozen in (trial for trial in trials if trial.state in (states.RUNNING, states.WAITING)):
                lock = taken(self._trial_folder(frozen.number) / ".lock")
                if lock is not None:
                    study.sampler = choices.sampler(self.found, frozen.number)
                    return self._suggested(study, optuna.trial.Trial(study, frozen._trial_id)), lock
            if len(trials) >= self.found.search.trials:
                return None
            study.sampler = choices.sampler(self.found, len(trials))
            lock = taken(self._trial_folder(len(trials)) / ".lock")
            assert lock is not None  # nobody knows this trial yet
            return self._suggested(study, study.ask()), lock

    def _suggested(self, study: Any, trial: Any) -> Any:
        """Choose the values of all keys, each with a seed of its own; those of a trial that was begun are kept."""
        for key, dimension in self.found.search.space.items():
            study.sampler = choices.sampler(self.found, trial.number, key)
            choices.suggest(trial, key, dimension)
        return trial

    def _one(self, optuna: Any, study: Any, trial: Any) -> dict[str, Any]:
        """Train one trial to its end, and tell the study what was found; return its result."""
        states = optuna.trial.TrialState
        folder = self._trial_folder(trial.number)
        work = Trial(self.loaded, self.found.settings(decoded(trial.params)), folder, self.monitor)
        outcome = work.train(lambda epoch, value: _reported(trial, epoch, value))
        if isinstance(outcome, str):
            trial.set_user_attr("failed", outcome)
            study.tell(trial, state=states.FAIL)
        elif outcome.pruned:
            study.tell(trial, state=states.PRUNED)
        else:
            trial.set_user_attr("run", str(outcome.run))
            trial.set_user_attr("initial_weights", outcome.initial_weights)
            self._check_effect(study, trial.number, trial.params, outcome)
            study.tell(trial, best_epoch(outcome.values, self.direction))
        return self._result(study.get_trials(deepcopy=False)[trial.number])

    def _check_effect(self, study: Any, number: int, parameters: dict[str, Any], outcome: Trained) -> None:
        """Raise CheckError for settings that decide the initial weights, differ, and still gave equal ones."""
        for other in study.get_trials(deepcopy=False):
            if other.number == number or other.user_attrs.get("initial_weights") != outcome.initial_weights:
                continue
            keys = [key for key in parameters if _decides_weights(key) and other.params.get(key) != parameters[key]]
            if keys:
                raise CheckError(
                    f"trials {other.number} and {number} differ in {', '.join(keys)}, but began with equal weights",
                    "the setting has no effect: check its key, and what the network does with it",
                )

    def _results(self, study: Any) -> dict[str, Any]:
        """Write best.yaml, and return counts, the best trial and all trials."""
        trials = [self._result(trial) for trial in study.get_trials(deepcopy=False)]
        complete = [trial for trial in trials if trial["state"] == "complete"]
        head = {"study": str(self.folder), "recipe": self.loaded.recipe.name, "monitor": self.monitor}
        if not complete:
            return head | {"best": None, "trials": trials}
        choose = min if self.direction == "minimize" else max
        best = choose(complete, key=lambda trial: trial["value"])
        settings = [*self.loaded.overrides, *self.found.settings(best["parameters"]), "expect={}", "search=null"]
        found = load_recipe(self.loaded.path, settings)
        origin = (
            f"# Found by dlkit search in {self.loaded.recipe.name}: trial {best['number']} of {len(trials)},\n"
            f"# {self.monitor} {best['value']:.6g}, run {best['run']}\n"
        )
        write_text(self.folder / BEST, origin + resolved_yaml(found))
        return head | {"best": best | {"recipe": str(self.folder / BEST)}, "trials": trials}

    def _result(self, trial: Any) -> dict[str, Any]:
        return {
            "number": trial.number,
            "state": trial.state.name.lower(),
            "value": trial.value if trial.state.name == "COMPLETE" else None,
            "epochs": len(trial.intermediate_values),
            "parameters": decoded(trial.params),
            "run": trial.user_attrs.get("run"),
            "failed": trial.user_attrs.get("failed"),
        }

    def _trial_folder(self, number: int) -> Path:
        return self.folder / "trials" / f"{number:05d}"


def _reported(trial: Any, epoch: int, value: float) -> bool:
    """Report an epoch's value, unless that was done before; return whether to stop the trial."""
    known = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    if epoch not in known:
        trial.report(value, epoch)
    later = any(step > epoch for step in known)
    return not later and bool(trial.should_prune())


def best_epoch(values: list[float], direction: str) -> float:
    """Return the best epoch's value; NaN is worse than any."""
    worst = math.inf if direction == "minimize" else -math.inf
    numbers = [worst if math.isnan(value) else value for value in values]
    return min(numbers) if direction == "minimize" else max(numbers)


def _decides_weights(key: str) -> bool:
    """Return whether a setting with this key must change the initial weights: a size, a seed or an initializer."""
    last = key.rsplit(".", 1)[-1]
    return key == "training.seed" or (
        key.startswith("model.") and (last in ("units", "filters", "kernel_size", "seed") or "initializer" in key)
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for a lock on a file, which ends with the process."""
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def alone_in(folder: Path, what: str, hint: str) -> Any:
    """Return the lock of a folder, as `taken` does; raise InputError while another process works on what is in it."""
    lock = taken(folder / ".lock")
    if lock is None:
        raise InputError(f"another process works {what}in {folder}", hint)
    return lock


def taken(path: Path) -> Any:
    """Return a lock as an open file, which ends with the process, or None if another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = path.open("a")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        return None
    return stream
