"""dlkit repeat: the same recipe under several seeds."""

from typing import Annotated

import typer

from dlkit.cli._options import DataDir, Json, Offline, Overrides, RunsDir, apply_data_options


def repeat(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped recipe.")],
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many seeds, counted from 0.")] = 5,
    overrides: Overrides = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Only operations that give the same bits every time.")
    ] = False,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Train and evaluate a recipe under several seeds, and write mean and spread of its metrics."""
    from dlkit import console
    from dlkit.repetition import FILE, Repeated
    from dlkit.repetition import repeat as run_repeat
    from dlkit.run_directory import runs_root

    apply_data_options(data_dir, offline)
    root = runs_root(runs_dir)
    options = [name for name, given in (("--deterministic", deterministic), ("--offline", offline)) if given]
    what = Repeated(recipe, tuple(overrides or ()), root, tuple(options))
    result = run_repeat(what, range(seeds), console.note_repetition)
    content = {"file": str(root / result["recipe"] / FILE)} | result
    if as_json:
        console.print_json(content)
    else:
        console.show_repetition(content)
    if any("failed" in entry for entry in result["seeds"]):
        raise typer.Exit(1)
