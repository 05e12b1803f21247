"""dlkit repeat: train the same recipe with several seeds."""

from typing import Annotated

import typer

from dlkit.cli._options import (
    DataDir,
    Deterministic,
    Json,
    Offline,
    Overrides,
    Recipe,
    RunsDir,
    Threads,
    apply_data_options,
)


def repeat(
    recipe: Recipe,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Number of seeds: 0 to N - 1.")] = 5,
    overrides: Overrides = None,
    deterministic: Deterministic = False,
    threads: Threads = None,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Train and evaluate a recipe with several seeds, and write the mean and spread of its metrics."""
    from dlkit import console
    from dlkit.evaluation.band import REPETITIONS
    from dlkit.experiments.repeat import Repeated
    from dlkit.experiments.repeat import repeat as run_repeat
    from dlkit.process import runs_root, set_conditions

    apply_data_options(data_dir, offline)
    set_conditions(deterministic, threads)
    root = runs_root(runs_dir)
    result = run_repeat(Repeated(recipe, tuple(overrides or ()), root), range(seeds), console.note_repetition)
    content = {"file": str(root / result["recipe"] / REPETITIONS)} | result
    if as_json:
        console.print_json(content)
    else:
        console.show_repetition(content)
    if any("failed" in entry for entry in result["seeds"]):
        raise typer.Exit(1)
