"""The same recipe under several seeds, each in a process of its own: what its metrics are, and how far they spread.

The figures go to <runs>/<recipe>/repeat.json, and evaluate holds a run against them. No TensorFlow here.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from dlkit.cache import digest
from dlkit.interruption import lifeline
from dlkit.recipe import LoadedRecipe, load_recipe
from dlkit.run_directory import RunDirectory

FILE = "repeat.json"
WIDTH = 3  # standard deviations on each side of the mean
COMMAND = (sys.executable, "-m", "dlkit")


@dataclass(frozen=True)
class Repeated:
    """What all repetitions share: the recipe as it is named, its overrides, the runs' root."""

    reference: str
    overrides: tuple[str, ...]
    root: Path


def recipe_digest(loaded: LoadedRecipe) -> str:
    """A name for all of a recipe that decides its numbers but the seed."""
    plain = {key: value for key, value in loaded.plain.items() if key != "expect"}
    plain["training"] = {key: value for key, value in plain["training"].items() if key != "seed"}
    return digest(plain)


def repeat(what: Repeated, seeds: Sequence[int], done: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Train and evaluate under every seed, one after the other; a seed that fails is noted and the others count."""
    loaded = load_recipe(what.reference, what.overrides)
    folder = RunDirectory(what.root / loaded.recipe.name)
    head = {"recipe": loaded.recipe.name, "recipe_digest": recipe_digest(loaded), "split": loaded.recipe.expect.split}
    entries: list[dict[str, Any]] = []
    content: dict[str, Any] = head | {"seeds": entries, "statistics": {}}
    with _termination_as_interrupt():
        for seed in seeds:
            entries.append(_one_seed(what, seed))
            done(entries[-1])
            content["statistics"] = statistics(entries)
            folder.write_json(FILE, content)
    return content


def _one_seed(what: Repeated, seed: int) -> dict[str, Any]:
    settings = [text for override in (*what.overrides, f"training.seed={seed}") for text in ("--set", override)]
    place = ["--runs-dir", str(what.root)]
    trained = _child(["train", what.reference, *settings, *place])
    if isinstance(trained, str):
        return {"seed": seed, "failed": f"train {trained}"}
    evaluated = _child(["evaluate", trained["run"], *place])
    if isinstance(evaluated, str):
        return {"seed": seed, "run": trained["run"], "failed": f"evaluate {evaluated}"}
    metrics = {name: value for name, value in trained["metrics"].items() if name != "learning_rate"}
    return {"seed": seed, "run": trained["run"], "train": metrics, "evaluation": evaluated["metrics"]}


def _child(arguments: Sequence[str]) -> dict[str, Any] | str:
    """What a verb prints as JSON, or how it ended without; a contract that is not met (exit 1) is no failure."""
    with lifeline() as options:
        process = subprocess.Popen([*COMMAND, *arguments, "--json"], stdout=subprocess.PIPE, text=True, **options)
        try:
            output, _ = process.communicate()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode == 130:
        raise KeyboardInterrupt
    if process.returncode < 0:
        return f"was killed by signal {-process.returncode}"
    try:
        result: dict[str, Any] = json.loads(output)
    except ValueError:
        return f"ended with exit code {process.returncode}"
    return result


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end the child too, as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def statistics(entries: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Mean, standard deviation (n - 1; None for a single seed), minimum and maximum of every metric."""
    good = [entry for entry in entries if "failed" not in entry]
    return {part: _spreads([entry[part] for entry in good]) for part in ("train", "evaluation")}


def _spreads(rows: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        spread = stdev(values) if len(values) > 1 else None
        found[name] = {"mean": mean(values), "standard_deviation": spread, "min": min(values), "max": max(values)}
    return found


def band(run: RunDirectory, loaded: LoadedRecipe, split: str, metrics: Mapping[str, float]) -> dict[str, Any] | None:
    """For each metric whether it lies within mean +- 3 standard deviations of the recipe's repetitions.

    None where there are no repetitions of this very recipe and split, seed aside, or only one.
    """
    stored = RunDirectory(run.path.parent).read_json(FILE)
    if (stored.get("recipe_digest"), stored.get("split")) != (recipe_digest(loaded), split):
        return None
    spreads = stored.get("statistics", {}).get("evaluation", {})
    found = {}
    for name, value in metrics.items():
        spread = spreads.get(name, {}).get("standard_deviation")
        if spread is not None:
            low, high = (spreads[name]["mean"] + sign * WIDTH * spread for sign in (-1, 1))
            found[name] = {"low": low, "high": high, "inside": low <= value <= high}
    return found or None
