"""dlkit reproduce: train a run again and compare the results."""

import typer

from dlkit.cli._options import Data, DataDir, Json, Offline, Run, RunsDir, apply_data_options


def reproduce(
    run: Run = None,
    runs_dir: RunsDir = None,
    data: Data = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Train a run again from its own recipe, and report whether the results are the same."""
    from dlkit.process import runs_root
    from dlkit.recipe import load_recipe
    from dlkit.runs.conditions import restore_conditions
    from dlkit.runs.find import find_trained

    apply_data_options(data_dir, offline)
    root = runs_root(runs_dir)
    found = find_trained(run, root)
    recipe = load_recipe(found.resolved_recipe).recipe
    sharded = recipe.training.shards > 1
    restore_conditions(found, any_threads=sharded)

    from dlkit import console
    from dlkit.cli._options import note_passed_over
    from dlkit.machine.tensorflow import start_tensorflow

    note_passed_over(found, run, root)
    with console.waiting("starting TensorFlow"):
        start_tensorflow(sharded)
        from dlkit.experiments import reproduce as reproduction
    with console.TrainingProgress(recipe) as reporter:
        result = reproduction.reproduce(found, root, reporter, data)
    content = {"run": str(found.path)} | result.to_json()
    if as_json:
        console.print_json(content)
    else:
        console.show_reproduction(content)
    if result.verdict == reproduction.DIFFERENT:
        raise typer.Exit(1)
