"""Describe runs as plain data: when they started, how far they are, and their metrics."""

from typing import Any

from dlkit.formatting import measured
from dlkit.runs.directory import RunDirectory
from dlkit.runs.find import started


def describe(run: RunDirectory) -> dict[str, Any]:
    """Return a run's path, recipe, start in UTC, state, epochs done, metrics of training and evaluations by split."""
    results, began = run.read_json("metrics.json"), run.read_json("environment.json")
    trained = results.get("training", {})
    return {
        "name": str(run.path),
        "description": _in_words(run, trained.get("metrics", {})),
        "recipe": run.recipe_name,
        "started": started(run.path).isoformat(timespec="seconds"),
        "finished": run.finished,
        "epochs": trained.get("epochs", _epochs(run)),
        "metrics": trained.get("metrics", {}),
        "evaluation": {split: found["metrics"] for split, found in results.get("evaluation", {}).items()},
        "from": began.get("from"),
        "overrides": began.get("overrides", []),
    }


def _in_words(run: RunDirectory, metrics: dict[str, float]) -> str:
    if not run.finished:
        return f"unfinished after {_epochs(run)} epochs"
    shown = {name: value for name, value in metrics.items() if not name.startswith("learning_rate")}
    return "  ".join(f"{name} {measured(value)}" for name, value in shown.items())


def _epochs(run: RunDirectory) -> int:
    """Return the number of epochs in the history so far."""
    try:
        return max(0, len((run.path / "history.csv").read_text(encoding="utf-8").splitlines()) - 1)
    except FileNotFoundError:
        return 0
