"""dlkit search: search for the best settings of a recipe."""

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._objective import objective
from dlkit.cli._options import DataDir, Json, Offline, Overrides, Recipe, RunsDir, Threads, apply_data_options


def search(
    recipe: Recipe,
    space: Annotated[
        Path | None,
        typer.Option("--space", metavar="FILE", help="A YAML file with the values to try [default: recipe's search]."),
    ] = None,
    overrides: Overrides = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="Number of trials, instead of the file's.")
    ] = None,
    study: Annotated[
        str, typer.Option("--study", metavar="NAME", help="Name of the study; the same name continues it.")
    ] = "search",
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Try settings of a recipe with Optuna, each in a training of its own, and write the best as a recipe.

    Run the same command again to continue, or at the same time in another terminal to share the work.
    """
    from dlkit.process import runs_root, set_conditions
    from dlkit.recipe import load_recipe
    from dlkit.recipe.space import load_search

    apply_data_options(data_dir, offline)
    set_conditions(threads=threads)
    loaded = load_recipe(recipe, overrides or ())
    found = load_search(space, loaded)
    if trials is not None:
        found.search.trials = trials
    folder = runs_root(runs_dir) / loaded.recipe.name / study

    from dlkit import console
    from dlkit.experiments.children import termination_as_interrupt
    from dlkit.experiments.optuna_choices import check_names
    from dlkit.experiments.search import Search
    from dlkit.runs.directory import RunDirectory

    check_names(found)
    monitor, direction = objective(loaded, found, "space")
    from dlkit.experiments.objective import study_figures
    from dlkit.runs.figures import write_figures

    with termination_as_interrupt():
        work = Search(loaded, found, folder, monitor, direction)
        result = work.run(console.note_trial)
    write_figures(RunDirectory(folder), study_figures(work, result), "validation", console.note)
    if as_json:
        console.print_json(result)
    else:
        console.show_search(result)
    if result["best"] is None:
        raise typer.Exit(1)
