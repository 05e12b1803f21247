"""dlkit summary: print the lecture's table of a recipe or run, or the counts of all shipped recipes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dlkit.cli._options import DataDir, Json, Offline, Overrides, apply_data_options, complete_recipes


def summary(
    subjects: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RECIPE|RUN]...",
            help="Recipes or runs [default: all shipped recipes].",
            autocompletion=complete_recipes,
        ),
    ] = None,
    overrides: Overrides = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the arithmetic behind every row.")] = False,
    cost: Annotated[
        bool, typer.Option("--cost", help="Show the multiply-adds, memory and receptive field of every row.")
    ] = False,
    unfold: Annotated[bool, typer.Option("--unfold", help="Show the layers of nested networks too.")] = False,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Print a network's table and check it against its contract."""
    from dlkit import console
    from dlkit.recipe import shipped_recipes

    apply_data_options(data_dir, offline)
    names = subjects or list(shipped_recipes())
    with console.waiting("building"):
        results = [_summarise(name, overrides or [], explain=explain, cost=cost, unfold=unfold) for name in names]
    if as_json:
        console.print_json(results[0] if subjects and len(results) == 1 else results)
    elif subjects:
        for result in results:
            console.show_table(result)
    else:
        console.show_counts(results)
    if any(result["contract"]["passed"] is False for result in results):
        raise typer.Exit(1)


def _summarise(name: str, overrides: list[str], **shown: Any) -> dict[str, Any]:
    from dlkit.model.summary import summarise
    from dlkit.recipe import load_recipe
    from dlkit.runs.directory import RESOLVED, RunDirectory

    if (Path(name) / RESOLVED).is_file():
        run = RunDirectory(Path(name))
        return summarise(load_recipe(run.resolved_recipe, overrides), run, **shown)
    return summarise(load_recipe(name, overrides), **shown)
