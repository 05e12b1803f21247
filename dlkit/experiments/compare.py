"""Compare runs: recipes, data, layers, cost and metrics, and whether they differ on the same examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.errors import DlkitError, InputError
from dlkit.experiments.significance import ALPHA, Test, holm, mcnemar, paired_bootstrap
from dlkit.model.summary import summarise
from dlkit.process import command
from dlkit.recipe import LoadedRecipe, load_recipe
from dlkit.runs.answers import read_answers
from dlkit.runs.directory import RunDirectory
from dlkit.runs.history import history_so_far
from dlkit.runs.listing import describe

SPLITS = ("test", "validation", "train")


@dataclass(frozen=True)
class Compared:
    """A run with its recipe, the table of its network, and its answers by split."""

    run: RunDirectory
    loaded: LoadedRecipe
    table: Mapping[str, Any] | None

    @property
    def name(self) -> str:
        """Return RECIPE/RUN."""
        path = self.run.path.absolute()
        return f"{path.parent.name}/{path.name}"

    def answers(self, split: str) -> dict[str, np.ndarray] | None:
        """Return the answers on a split, None where the run was not evaluated on it."""
        found = read_answers(self.run, split) if self.run.finished else None
        return found[0] if found else None

    def fingerprint(self, split: str) -> Mapping[str, Any] | None:
        """Return the fingerprint of a split, None where the run has not read it."""
        found: Mapping[str, Any] | None = self.run.read_json("data.json").get("fingerprints", {}).get(split)
        return found

    def metrics(self, split: str) -> dict[str, float]:
        """Return the metrics on a split: of its evaluation, or those of validation at the end of training."""
        described = describe(self.run)
        if split in described["evaluation"]:
            return dict(described["evaluation"][split])
        known = described["metrics"].items() if split == "validation" else ()
        return {name.removeprefix("val_"): value for name, value in known if name.startswith("val_")}


def compare(runs: Sequence[RunDirectory], split: str | None = None) -> dict[str, Any]:
    """Return the documented JSON form; the first run is compared with each of the others.

    split: by default the first of test, validation and train on which all runs have been evaluated. Raises InputError
    when the same run is given twice.
    """
    opened = [_open(run) for run in runs]
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise InputError("the same run is given twice", "give two runs or more: dlkit runs list")
    found = split or next((name for name in SPLITS if all(one.answers(name) for one in opened)), "test")
    return {
        "split": found,
        "runs": [_described(one, found) for one in opened],
        "recipe": _differences([_flat(_settings(one.loaded)) for one in opened]),
        "data": _data(opened),
        "layers": _layers(opened),
        "tests": _tests(opened, found),
    }


def _open(run: RunDirectory) -> Compared:
    loaded = load_recipe(run.resolved_recipe)
    try:
        table = summarise(loaded, run, cost=True)
    except DlkitError:  # a network that cannot be built here; the run is compared without its layers
        table = None
    return Compared(run, loaded, table)


def _described(one: Compared, split: str) -> dict[str, Any]:
    content = describe(one.run)
    table = one.table
    return {
        "run": str(one.run.path),
        "name": one.name,
        "finished": content["finished"],
        "epochs": content["epochs"],
        "seconds": sum(history_so_far(one.run).get("seconds", ())) or None,
        "parameters": table["parameters"]["total"] if table else None,
        "multiply_adds": table["cost"]["multiply_adds"] if table and not table["cost"]["uncounted"] else None,
        "metrics": one.metrics(split),
    }


def _settings(loaded: LoadedRecipe) -> dict[str, Any]:
    """Return the recipe without its contract, which describes the layers that are compared anyway."""
    return {key: value for key, value in loaded.plain.items() if key != "expect"}


def _flat(value: Any, key: str = "") -> dict[str, Any]:
    """Return the leaves of a recipe by dotted key."""
    if isinstance(value, dict) and value:
        inner = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        inner = list(enumerate(value))
    else:
        return {key: value}
    return {k: v for name, item in inner for k, v in _flat(item, f"{key}.{name}" if key else str(name)).items()}


def _differences(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = list(dict.fromkeys(key for row in rows for key in row))
    values = {key: [row.get(key) for row in rows] for key in keys}
    return [{"key": key, "values": found} for key, found in values.items() if any(v != found[0] for v in found)]


def _data(opened: Sequence[Compared]) -> list[dict[str, Any]]:
    """Return, for each split that the runs read, whether it was the same."""
    known = [one.run.read_json("data.json").get("fingerprints", {}) for one in opened]
    names = list(dict.fromkeys(name for fingerprints in known for name in fingerprints))
    return [
        {
            "split": name,
            "examples": [fingerprints.get(name, {}).get("examples") for fingerprints in known],
            "same": all(fingerprints.get(name) == known[0].get(name) for fingerprints in known),
        }
        for name in names
    ]


def _layers(opened: Sequence[Compared]) -> list[dict[str, Any]]:
    """Return the rows of the tables that are not the same in all runs, by their place."""
    tables = [one.table["layers"] if one.table else [] for one in opened]
    longest = max(map(len, tables))
    rows = [[_row(table[place]) if place < len(table) else None for table in tables] for place in range(longest)]
    return [{"row": place + 1, "layers": row} for place, row in enumerate(rows) if any(cell != row[0] for cell in row)]


def _row(row: Mapping[str, Any]) -> list[Any]:
    return [row["layer"], row["output_shape"], row["parameters"]]


def _tests(opened: Sequence[Compared], split: str) -> list[dict[str, Any]]:
    first, *others = opened
    found = [_test(first, other, split) for other in others]
    tested = [result for result in found if isinstance(result, Test)]
    adjusted = iter(holm([result.p for result in tested]))
    return [
        {"first": first.name, "second": other.name} | _said(result, first, other, adjusted)
        for other, result in zip(others, found, strict=True)
    ]


def _test(first: Compared, second: Compared, split: str) -> Test | str:
    """Return the test of two runs on a split, or why there is none."""
    answers = [one.answers(split) for one in (first, second)]
    for one, found in zip((first, second), answers, strict=True):
        if not found:
            return f"{one.name} has no answers on {split}: {command('evaluate', one.run.path, '--split', split)}"
    if first.fingerprint(split) != second.fingerprint(split) or first.fingerprint(split) is None:
        return f"the runs have answered different examples of {split}"
    left, right = answers
    assert left is not None and right is not None  # noqa: PT018
    for key, test in (("correct", mcnemar), ("error", paired_bootstrap)):
        if key in left and key in right and left[key].shape == right[key].shape and left[key].ndim == 1:
            return test(left[key], right[key])
    return "the answers of the runs are not of the same kind"


def _said(result: Test | str, first: Compared, second: Compared, adjusted: Any) -> dict[str, Any]:
    if isinstance(result, str):
        return {"test": None, "reason": result, "verdict": "not tested"}
    p = next(adjusted)
    better = first if (result.difference > 0) == (result.name == "McNemar") else second
    verdict = "not distinguishable" if p >= ALPHA else f"{better.name} is better"
    found = {"test": result.name, "difference": result.difference, "p": result.p, "adjusted_p": p, "verdict": verdict}
    interval = {"interval": list(result.interval)} if result.interval else {}
    return found | interval | {"only_first_right": result.only_first, "only_second_right": result.only_second}
