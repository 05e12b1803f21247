"""dlkit train: from a recipe to a finished run."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit.cli._options import DataDir, Deterministic, Json, Offline, Overrides, RunsDir, Threads, apply_data_options

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe
    from dlkit.speed import Speed


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped recipe.")],
    overrides: Overrides = None,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    start_from: Annotated[
        str | None, typer.Option("--from", metavar="RUN", help="Start from this run's weights.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an unfinished run, exactly where it stopped.")
    ] = False,
    run: Annotated[
        str | None, typer.Option("--run", help="The run to resume [default: the recipe's latest unfinished].")
    ] = None,
    deterministic: Deterministic = False,
    threads: Threads = None,
    skip_bad: Annotated[
        int | None,
        typer.Option("--skip-bad", min=0, metavar="N", help="Leave out at most N unreadable images of a folder."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain-speed", help="First measure where a step's time goes, and what would be faster.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a recipe into a new run directory."""
    from dlkit.errors import InputError
    from dlkit.recipe import load_recipe
    from dlkit.run_conditions import left_out, restore_conditions, set_conditions
    from dlkit.run_directory import find_run, runs_root
    from dlkit.source_run import may_know_validation, with_kept_source

    apply_data_options(data_dir, offline)
    set_conditions(deterministic, threads, skip_bad)
    if run is not None and not resume:
        raise InputError(
            "--run names the run to go on with", "add --resume, or use --from RUN to start from its weights"
        )
    if resume and start_from is not None:
        raise InputError("--resume and --from exclude one another", "a resumed run already has its weights")
    loaded = load_recipe(recipe, overrides or ())
    root = runs_root(runs_dir)
    first = find_run(start_from, root, finished=True) if start_from is not None else None
    unfinished = find_run(run or loaded.recipe.name, root, finished=None if run else False) if resume else None
    if unfinished is not None:  # what the run was started with still holds, before what is given now
        began = unfinished.read_json("environment.json").get("overrides", [])
        loaded = load_recipe(recipe, [*began, *(overrides or ())])
        restore_conditions(unfinished)

    from dlkit import console
    from dlkit.tensorflow_start import start_tensorflow

    with console.waiting("starting TensorFlow"):
        start_tensorflow()
        from dlkit.resources import slow_precision
        from dlkit.training_run import resume_run, train_recipe
    speed = _explained(loaded, as_json) if explain else None
    if warning := slow_precision(loaded.recipe.training.precision):
        console.note(warning)
    if warning := may_know_validation(with_kept_source(loaded, unfinished) if unfinished else loaded):
        console.note(warning)
    for path in left_out(loaded.recipe):
        console.note(f"left out, unreadable: {path}")
    with console.TrainingProgress(loaded.recipe, "stderr" if as_json else "stdout") as reporter:
        if unfinished is not None:
            result = resume_run(loaded, unfinished, reporter)
        else:
            result = train_recipe(loaded, root, reporter, start_from=first)
    passed = not result.differences
    if as_json:
        contract = {"passed": passed, "differences": result.differences}
        content: dict[str, Any] = {"run": str(result.run.path), "recipe": loaded.recipe.name, "metrics": result.metrics}
        content = content | {"updates": result.updates, "contract": contract}
        console.print_json(content | ({"speed": speed.to_json()} if speed else {}))
    else:
        console.show_training(result)
    if not passed:
        raise typer.Exit(1)


def _explained(loaded: "LoadedRecipe", as_json: bool) -> "Speed":
    """Measure the speed of a recipe's step, and print it unless stdout holds JSON."""
    from dlkit import console
    from dlkit.speed import explain_speed

    with console.waiting("measuring a step"):
        speed = explain_speed(loaded)
    if not as_json:
        console.show_speed(speed)
    return speed
