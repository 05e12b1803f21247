"""dlkit crossval: train once for each fold that is held out."""

from typing import Annotated

import typer

from dlkit.cli._options import DataDir, Json, Offline, Overrides, Recipe, RunsDir, Threads, apply_data_options


def crossval(
    recipe: Recipe,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Number of folds.")] = 10,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The seed of the cut into folds.")] = 0,
    overrides: Overrides = None,
    threads: Threads = None,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Train once for each fold that is held out, each in its own process: mean, spread and ensemble.

    Run the same command again to continue. Example: dlkit crossval digits_mlp --folds 5
    """
    from dlkit import console
    from dlkit.experiments.children import termination_as_interrupt
    from dlkit.experiments.crossval import RESULTS, folder_of, measure_folds, train_folds
    from dlkit.process import runs_root, set_conditions
    from dlkit.recipe import load_recipe

    apply_data_options(data_dir, offline)
    set_conditions(threads=threads)
    loaded = load_recipe(recipe, overrides or ())
    folder = folder_of(loaded, runs_root(runs_dir), folds, seed)
    with termination_as_interrupt():
        runs = train_folds(loaded, folder, folds, seed, lambda fold, run: console.note(f"fold {fold}  {run.path}"))

    from dlkit.machine.tensorflow import start_tensorflow

    with console.waiting("measuring the folds"):
        start_tensorflow()
        measured = measure_folds(runs, folder)
    from dlkit.figures.crossval import crossval_figure
    from dlkit.runs.directory import RunDirectory
    from dlkit.runs.figures import write_figures

    write_figures(RunDirectory(folder), {"folds": lambda: crossval_figure(measured)}, "folds", console.note)
    content = {"recipe": loaded.recipe.name, "file": str(folder / RESULTS)} | measured
    if as_json:
        console.print_json(content)
    else:
        console.show_crossval(content)
