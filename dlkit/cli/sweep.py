"""dlkit sweep: train every combination of several values."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit.cli._objective import objective
from dlkit.cli._options import (
    DataDir,
    Deterministic,
    Json,
    Offline,
    Recipe,
    RunsDir,
    Threads,
    apply_data_options,
)

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe
    from dlkit.recipe.grid import Grid


def sweep(
    recipe: Recipe,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE,VALUE...", help="Values to try, such as training.batch_size=16,32."),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Number of seeds: 0 to N - 1.")] = 1,
    test: Annotated[bool, typer.Option("--test", help="Also measure every run on test, at its best epoch.")] = False,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Name of the sweep; the same name continues it.")
    ] = "sweep",
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    deterministic: Deterministic = False,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Train every combination of the values with every seed, and compare them by the validation metric.

    Values are a YAML list without its brackets: quote one that contains a comma. One value alone is the same in all
    trainings. Run the same command again to continue; what has finished is not trained again.
    """
    from dlkit import console
    from dlkit.errors import InputError
    from dlkit.process import runs_root, set_conditions
    from dlkit.recipe.grid import load_combinations, parse_grid

    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        raise InputError(f"--name {name!r} is not a name", "use lower-case letters, digits, _ and -")
    apply_data_options(data_dir, offline)
    set_conditions(deterministic, threads)
    grid = parse_grid(settings or ())
    loaded = load_combinations(recipe, grid)[0]
    monitor, direction = _objective(loaded, grid)
    from dlkit.experiments.sweep import Sweep

    folder = runs_root(runs_dir) / loaded.recipe.name / name
    result = Sweep(loaded, grid, range(seeds), folder, monitor, direction, test).run(console.note_combination)
    if as_json:
        console.print_json(result)
    else:
        console.show_sweep(result)
    if any("failed" in training for entry in result["combinations"] for training in entry["trainings"]):
        raise typer.Exit(1)


def _objective(loaded: "LoadedRecipe", grid: "Grid") -> tuple[str, str]:
    """Build the network with every value; return what to compare, and its direction."""
    from dataclasses import replace

    from dlkit.errors import RecipeError

    try:
        return objective(loaded, grid.as_search(), "values")
    except RecipeError as error:
        raise RecipeError([replace(p, key=p.key.removeprefix("space.")) for p in error.problems]) from error
