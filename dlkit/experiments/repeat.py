"""Train and evaluate a recipe with several seeds, each in its own process, and measure the spread of its metrics.

The results go to <runs>/<recipe>/repeat.json, and evaluate compares a run with them. This process does not load
TensorFlow.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from dlkit.evaluation.band import REPETITIONS, recipe_digest
from dlkit.experiments.children import json_of_child, termination_as_interrupt
from dlkit.recipe import load_recipe
from dlkit.runs.directory import RunDirectory


@dataclass(frozen=True)
class Repeated:
    """Settings that all repetitions share: the recipe's reference, its overrides, the root folder of the runs."""

    reference: str
    overrides: tuple[str, ...]
    root: Path


def repeat(what: Repeated, seeds: Sequence[int], done: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Train and evaluate with every seed in turn; a failed seed is recorded and left out of the statistics."""
    loaded = load_recipe(what.reference, what.overrides)
    folder = RunDirectory(what.root / loaded.recipe.name)
    head = {"recipe": loaded.recipe.name, "recipe_digest": recipe_digest(loaded), "split": loaded.recipe.expect.split}
    entries: list[dict[str, Any]] = []
    content: dict[str, Any] = head | {"seeds": entries, "statistics": {}}
    with termination_as_interrupt():
        for seed in seeds:
            entries.append(_one_seed(what, seed))
            done(entries[-1])
            content["statistics"] = statistics(entries)
            folder.write_json(REPETITIONS, content)
    return content


def _one_seed(what: Repeated, seed: int) -> dict[str, Any]:
    settings = [text for override in (*what.overrides, f"training.seed={seed}") for text in ("--set", override)]
    place = ["--runs-dir", str(what.root)]
    trained = json_of_child(["train", what.reference, *settings, *place])
    if isinstance(trained, str):
        return {"seed": seed, "failed": f"train {trained}"}
    evaluated = json_of_child(["evaluate", trained["run"], *place])
    if isinstance(evaluated, str):
        return {"seed": seed, "run": trained["run"], "failed": f"evaluate {evaluated}"}
    metrics = {name: value for name, value in trained["metrics"].items() if name != "learning_rate"}
    return {"seed": seed, "run": trained["run"], "train": metrics, "evaluation": evaluated["metrics"]}


def statistics(entries: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return mean, standard deviation (n - 1; None for a single seed), minimum and maximum of every metric."""
    good = [entry for entry in entries if "failed" not in entry]
    return {part: spreads([entry[part] for entry in good]) for part in ("train", "evaluation")}


def spreads(rows: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    """Return mean, standard deviation (n - 1), minimum and maximum by name; {} without rows.

    The standard deviation is None for a single row, and for values that are not finite.
    """
    found: dict[str, dict[str, float | None]] = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        spread = stdev(values) if len(values) > 1 and all(map(isfinite, values)) else None
        found[name] = {"mean": fmean(values), "standard_deviation": spread, "min": min(values), "max": max(values)}
    return found
