"""dlkit summary: print the lecture's table of a recipe or run, or the counts of all shipped recipes."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from dlkit.cli._options import DataDir, Json, Offline, Overrides, RunsDir, apply_data_options, complete_recipes


def summary(
    subjects: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RECIPE|RUN]...",
            help="Recipes or runs, as directories or by name [default: all shipped recipes].",
            autocompletion=complete_recipes,
        ),
    ] = None,
    overrides: Overrides = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the arithmetic behind every row.")] = False,
    cost: Annotated[
        bool, typer.Option("--cost", help="Show the multiply-adds, memory and receptive field of every row.")
    ] = False,
    unfold: Annotated[bool, typer.Option("--unfold", help="Show the layers of nested networks too.")] = False,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Print a network's table and check it against its contract."""
    from dlkit import console
    from dlkit.process import runs_root
    from dlkit.recipe import shipped_recipes

    apply_data_options(data_dir, offline)
    root = runs_root(runs_dir)
    names = subjects or list(shipped_recipes())
    with console.waiting("building"):
        results = [_summarise(name, overrides or [], root, explain=explain, cost=cost, unfold=unfold) for name in names]
    if as_json:
        console.print_json(results[0] if subjects and len(results) == 1 else results)
    elif subjects:
        for result in results:
            console.show_table(result)
    else:
        console.show_counts(results)
    if any(result["contract"]["passed"] is False for result in results):
        raise typer.Exit(1)


def _summarise(name: str, overrides: list[str], root: Path, **shown: Any) -> dict[str, Any]:
    from dlkit.errors import InputError, MissingError
    from dlkit.model.summary import summarise
    from dlkit.recipe import find_recipe, load_recipe
    from dlkit.runs.find import exact_run, find_run

    run = exact_run(name, root)
    if run is None:
        try:
            find_recipe(name)
        except InputError:
            with suppress(MissingError):
                run = find_run(name, root)
    recipe = name if run is None else run.resolved_recipe
    return summarise(load_recipe(recipe, overrides), run, **shown)
