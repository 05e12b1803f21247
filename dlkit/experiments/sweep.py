"""Train every combination of a grid with several seeds, each in its own process, and compare them by validation.

The results go to <runs>/<recipe>/<name>.json, the runs below <runs>/<recipe>/<name>/, each in a folder that is named
after its recipe. So a sweep that is run again, or with more values, trains only what is missing, and continues what was
killed. This process does not train.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dlkit.experiments.children import json_of_child, termination_as_interrupt
from dlkit.experiments.repeat import spreads
from dlkit.experiments.search import alone_in, best_epoch
from dlkit.experiments.trial import Trial
from dlkit.files.cache import digest
from dlkit.recipe import LoadedRecipe, load_recipe
from dlkit.recipe.grid import SEED, Grid
from dlkit.recipe.space import settings_of
from dlkit.runs.directory import RunDirectory

_WITHOUT_EFFECT = ("expect", "search")


@dataclass(frozen=True)
class Sweep:
    """A grid to train with every seed, the folder of its runs, and the validation metric that is compared.

    loaded: the recipe with the grid's first values. direction: minimize or maximize. test: also measure the test split.
    """

    loaded: LoadedRecipe
    grid: Grid
    seeds: Sequence[int]
    folder: Path
    monitor: str
    direction: str
    test: bool = False

    @property
    def file(self) -> Path:
        """Return the file of the results."""
        return self.folder.with_name(f"{self.folder.name}.json")

    def run(self, done: Callable[[dict[str, Any], dict[str, Any]], None]) -> dict[str, Any]:
        """Train what is missing; return and write the results. `done` gets each combination's values and training.

        Raises InputError while another process works on this sweep.
        """
        lock = alone_in(self.folder, "on the sweep ", "wait for it, or give --name NAME")
        combinations, fixed = self.grid.combinations, self.grid.fixed
        entries: list[dict[str, Any]] = [
            {"parameters": {key: chosen[key] for key in chosen if key not in fixed}, "trainings": []}
            for chosen in combinations
        ]
        head: dict[str, Any] = {"recipe": self.loaded.recipe.name, "monitor": self.monitor, "direction": self.direction}
        head |= {"seeds": list(self.seeds), "fixed": fixed}
        with lock, termination_as_interrupt():
            for entry, chosen in zip(entries, combinations, strict=True):
                for seed in self.seeds:
                    entry["trainings"].append(self._one(chosen, seed))
                    done(entry["parameters"], entry["trainings"][-1])
                    compared = self._compared(entries)
                    content = head | {"best": self._best(compared), "combinations": compared}
                    RunDirectory(self.folder.parent).write_json(self.file.name, content)
        return {"file": str(self.file)} | content

    def _one(self, chosen: dict[str, Any], seed: int) -> dict[str, Any]:
        """Train a combination with a seed, unless that was done; return its run and figures, or how it failed."""
        settings = settings_of(chosen | {SEED: seed})
        plain = load_recipe(self.loaded.path, settings).plain
        folder = self.folder / digest({key: plain[key] for key in plain if key not in _WITHOUT_EFFECT})
        folder.mkdir(parents=True, exist_ok=True)
        work = Trial(replace(self.loaded, overrides=()), settings, folder, self.monitor)
        outcome = work.train(lambda epoch, value: False)
        if isinstance(outcome, str):
            return {"seed": seed, "failed": outcome}
        value = best_epoch(outcome.values, self.direction)
        if not math.isfinite(value):
            return {"seed": seed, "run": str(outcome.run), "failed": f"{self.monitor} was never a finite number"}
        found = {"seed": seed, "run": str(outcome.run), "epochs": len(outcome.values), "value": value}
        return found | (self._tested(outcome.run) if self.test else {})

    def _tested(self, run: Path) -> dict[str, Any]:
        """Measure the test split with the weights of the best epoch, unless that was done."""
        known = RunDirectory(run).read_json("metrics.json").get("evaluation", {}).get("test", {})
        if known.get("checkpoint") == "best":
            return {"test": known["metrics"]}
        measured = json_of_child(["evaluate", str(run), "--split", "test", "--checkpoint", "best"])
        return {"failed": f"evaluate {measured}"} if isinstance(measured, str) else {"test": measured["metrics"]}

    def _compared(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the combinations with mean and spread of their trainings that did not fail."""
        compared = []
        for entry in entries:
            good = [training for training in entry["trainings"] if "failed" not in training]
            found = {"statistics": spreads([{self.monitor: training["value"]} for training in good])}
            found |= {"test": spreads([training["test"] for training in good])} if self.test else {}
            compared.append(entry | found)
        return compared

    def _best(self, combinations: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Return the values and the mean of the best combination, by validation alone."""
        measured = [entry for entry in combinations if entry["statistics"]]
        if not measured:
            return None
        choose = min if self.direction == "minimize" else max
        best = choose(measured, key=lambda entry: entry["statistics"][self.monitor]["mean"])
        return {"parameters": best["parameters"], "mean": best["statistics"][self.monitor]["mean"]}
