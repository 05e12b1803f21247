"""Train a run's own recipe again, and report whether the results are the same and where they first diverge if not."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.data.fingerprint import describe_change, fingerprint
from dlkit.data.splits import Splits
from dlkit.errors import MissingError
from dlkit.files.atomic import folder_aside, remove_abandoned
from dlkit.interfaces.reporter import Reporter
from dlkit.machine.environment import versions
from dlkit.machine.interruption import Interrupted
from dlkit.model.trained import open_run
from dlkit.recipe import LoadedRecipe, load_recipe
from dlkit.recipe.places import hint_at_new_place, moved
from dlkit.runs.directory import RunDirectory
from dlkit.runs.parents import started_from, with_kept_source
from dlkit.training.prepare import prepare
from dlkit.training.run import train_recipe

TOLERANCE = 1e-4
IDENTICAL, CLOSE, DIFFERENT = "bit-identical", "within tolerance", "different"


@dataclass(frozen=True)
class Divergence:
    """A point where the repetition differs from the run: data, seed, weights, first step or epoch."""

    where: str
    detail: str


@dataclass(frozen=True)
class Reproduction:
    """The verdict, the first divergence, changed library versions, and the last epoch's metrics then and now."""

    verdict: str
    first: Divergence | None
    environment: list[str]
    metrics: dict[str, list[float]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        first = None if self.first is None else {"where": self.first.where, "detail": self.first.detail}
        metrics = {name: {"run": then, "now": now} for name, (then, now) in self.metrics.items()}
        return {
            "verdict": self.verdict,
            "first_divergence": first,
            "tolerance": TOLERANCE,
            "metrics": metrics,
            "environment": self.environment,
        }


def reproduce(run: RunDirectory, root: Path, reporter: Reporter, place: Path | None = None) -> Reproduction:
    """Train the run's resolved recipe again, in a folder below `root` that is removed afterwards, and compare.

    place: where the data is now, if not where the run says.
    """
    run.checkpoint("last")
    began = load_recipe(run.resolved_recipe)
    loaded = with_kept_source(began if place is None else moved(began, place), run)
    changed = environment_differences(run.read_json("environment.json"))
    first = _other_seed(run, loaded)
    with hint_at_new_place(loaded):
        prepared = prepare(loaded, run) if first is None else None
    if prepared is not None:
        first = _other_data(run, prepared.splits)
    if first is not None:
        return Reproduction(DIFFERENT, first, changed)
    remove_abandoned(root)
    with folder_aside(root) as aside:
        try:
            again = train_recipe(loaded, aside, reporter, start_from=started_from(run), prepared=prepared).run
        except Interrupted as error:
            raise Interrupted(f"the repetition of {run.path} was stopped; the run itself is unchanged") from error
        return _compare(run, again, changed)


def environment_differences(recorded: Mapping[str, Any]) -> list[str]:
    """Return the versions that differ from the run's, as text; they may explain a difference but are not one."""
    then, now = recorded.get("versions", {}), versions()
    return [f"{name} was {then.get(name)}, is {now[name]}" for name in now if then.get(name) != now[name]]


def _other_seed(run: RunDirectory, loaded: LoadedRecipe) -> Divergence | None:
    seed, recorded = loaded.recipe.training.seed, run.read_json("environment.json").get("seed")
    if recorded != seed:
        return Divergence("seed", f"the run was trained with {recorded}, but its recipe says {seed}")
    return None


def _other_data(run: RunDirectory, splits: Splits) -> Divergence | None:
    known = run.read_json("data.json").get("fingerprints", {})
    for name, split in splits.named().items():
        then, now = known.get(name, {}), fingerprint(split)
        if then != now:
            return Divergence("data", f"{name}: {describe_change(then, now)}")
    return None


def _compare(run: RunDirectory, again: RunDirectory, changed: list[str]) -> Reproduction:
    then, now = history(run), history(again)
    first = (
        _initial_weights(run, again) or _first_step(run, again) or first_row(then, now) or _final_weights(run, again)
    )
    names = [name for name in then[-1] if name not in ("epoch", "phase") and not name.startswith("learning_rate")]
    metrics = {name: [float(then[-1][name]), float(now[-1].get(name, "nan"))] for name in names}
    if first is None:
        return Reproduction(IDENTICAL, None, changed, metrics)
    close = len(then) == len(now) and all(within(*pair) for pair in metrics.values())
    return Reproduction(CLOSE if close else DIFFERENT, first, changed, metrics)


def history(run: RunDirectory) -> list[dict[str, str]]:
    """Return the rows of history.csv as written, without the times."""
    try:
        with (run.path / "history.csv").open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except FileNotFoundError as error:
        raise MissingError(f"{run.path} has no history.csv", "restore the file; reproduce compares it") from error
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def first_row(then: list[dict[str, str]], now: list[dict[str, str]]) -> Divergence | None:
    """Return the first epoch, counted from 0 as in history.csv, whose figures differ in any digit."""
    for epoch, (before, after) in enumerate(zip(then, now, strict=False)):
        if before != after:
            names = [name for name in before if before[name] != after.get(name)]
            return Divergence(f"epoch {epoch}", "; ".join(f"{n} was {before[n]}, is {after.get(n)}" for n in names))
    if len(then) != len(now):
        return Divergence(f"epoch {min(len(then), len(now))}", f"{len(then)} epochs then, {len(now)} now")
    return None


def within(then: float, now: float) -> bool:
    """Return whether two figures agree to the relative tolerance."""
    return then == now or (math.isnan(then) and math.isnan(now)) or abs(then - now) <= TOLERANCE * abs(then)


def _initial_weights(run: RunDirectory, again: RunDirectory) -> Divergence | None:
    before, after = (item.read_json("environment.json").get("initial_weights") for item in (run, again))
    if before in (None, after):  # runs of older versions did not record them
        return None
    return Divergence("initial weights", f"SHA-256 was {str(before)[:16]}..., is {str(after)[:16]}...")


def _first_step(run: RunDirectory, again: RunDirectory) -> Divergence | None:
    """Compare the first update: the loss before it, and the weights after it."""
    before, after = (item.read_json("metrics.json").get("training", {}).get("first_step") for item in (run, again))
    if not before or not after or before == after:  # runs of older versions did not record it
        return None
    if before["loss"] != after["loss"]:
        return Divergence("first step", f"its loss was {before['loss']!r}, is {after['loss']!r}")
    return Divergence("first step", "its loss was the same, but the weights after it differ")


def _final_weights(run: RunDirectory, again: RunDirectory) -> Divergence | None:
    before, after = (_weights(item) for item in (run, again))
    for (path, old), (_, new) in zip(before, after, strict=True):
        if not np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
            largest = np.max(np.abs(old.astype("float64") - new.astype("float64")))
            return Divergence("final weights", f"{path} differs by up to {largest:.3g}")
    return None


def _weights(run: RunDirectory) -> list[tuple[str, np.ndarray]]:
    variables = open_run(run).built.network.variables
    return [(variable.path, np.array(variable.numpy())) for variable in variables]
