"""dlkit list: list the components that a recipe can name, the shipped recipes and the runs."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from dlkit.cli._options import Json, RunsDir

DEFAULT = ("recipes", "datasets", "models", "tasks", "layers", "exporters", "runs")
COMPONENTS = {
    "datasets": "dataset",
    "models": "model",
    "tasks": "task",
    "layers": "layer",
    "exporters": "exporter",
    "augment": "augment",
    "corrupt": "corrupt",
    "losses": "loss",
    "metrics": "metric",
    "optimizers": "optimizer",
    "schedules": "schedule",
    "callbacks": "callback",
    "trackers": "tracker",
    "initializers": "initializer",
    "regularizers": "regularizer",
    "constraints": "constraint",
}


def list_components(
    kind: Annotated[str | None, typer.Argument(help=f"recipes, runs, {', '.join(COMPONENTS)}.")] = None,
    runs_dir: RunsDir = None,
    as_json: Json = False,
) -> None:
    """List recipes, runs, datasets, models, layers and other components."""
    from dlkit import console
    from dlkit.cli._options import check_choice

    if kind is not None:
        check_choice("kind", kind, ("recipes", "runs", *COMPONENTS))
    listed = {name: _entries(name, runs_dir) for name in ([kind] if kind else DEFAULT)}
    if as_json:
        console.print_json(listed[kind] if kind else listed)
        return
    for name, entries in listed.items():
        if kind is None:
            console.line(name)
        _show(name, entries)
        if kind is None:
            console.line()


def _show(kind: str, entries: list[dict[str, Any]]) -> None:
    """Print the entries of a kind; of recipes, their task, time and when to choose them, by task."""
    from dlkit import console

    if kind != "recipes":
        console.table(("name", "what it is"), [(entry["name"], entry["description"]) for entry in entries])
        return
    for task in dict.fromkeys(entry["task"] for entry in entries):
        console.line(f"{task} (times on 2 CPU cores)")
        for entry in (entry for entry in entries if entry["task"] == task):
            console.line(f"{entry['name']:<22} {entry['choose']}")
            console.line(f"{'':<22} {entry['time'].replace(' on 2 CPU cores', '')}")
        console.line()


def _entries(kind: str, runs_dir: Path | None) -> list[dict[str, Any]]:
    readers: dict[str, Callable[[], list[dict[str, Any]]]] = {"recipes": _recipes, "runs": lambda: _runs(runs_dir)}
    return readers[kind]() if kind in readers else _components(COMPONENTS[kind])


def _recipes() -> list[dict[str, Any]]:
    from dlkit.recipe import shipped_recipes

    return [{"name": name, "path": str(path)} | _said(path) for name, path in shipped_recipes().items()]


def _said(path: Path) -> dict[str, Any]:
    """Return what a recipe file says of itself, and its task, without checking it."""
    from dlkit.recipe.header import read_header, run_time

    said = read_header(path)
    (task,) = re.findall(r"^task:\s*\{?\s*(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {"description": said["what"], "task": task, "time": run_time(said), "choose": said.get("Choose", "")}


def _components(namespace: str) -> list[dict[str, Any]]:
    from dlkit.catalog.find import description, names

    return [{"name": name, "description": description(namespace, name)} for name in names(namespace)]


def _runs(runs_dir: Path | None) -> list[dict[str, Any]]:
    from dlkit.process import runs_root
    from dlkit.runs.directory import RunDirectory
    from dlkit.runs.find import list_runs
    from dlkit.runs.listing import describe
    from dlkit.safety.files import missing_folder

    if runs_dir is not None and not runs_dir.is_dir():
        raise missing_folder(runs_dir, "give the folder that contains the runs")
    return [describe(RunDirectory(path)) for path in list_runs(runs_root(runs_dir))]
