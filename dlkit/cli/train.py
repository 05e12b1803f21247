"""dlkit train: train a recipe into a run directory."""

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit.cli._options import (
    Data,
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

if TYPE_CHECKING:
    from dlkit.experiments.speed import Speed
    from dlkit.recipe import LoadedRecipe
    from dlkit.training.request import TrainingPlan


def train(
    recipe: Recipe,
    overrides: Overrides = None,
    runs_dir: RunsDir = None,
    data: Data = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    start_from: Annotated[
        str | None, typer.Option("--from", metavar="RUN", help="Start from this run's weights.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an unfinished run exactly where it stopped.")
    ] = False,
    run: Annotated[
        str | None, typer.Option("--run", help="The run to resume [default: the recipe's latest unfinished run].")
    ] = None,
    deterministic: Deterministic = False,
    threads: Threads = None,
    skip_bad: Annotated[
        int | None,
        typer.Option("--skip-bad", min=0, metavar="N", help="Skip up to N unreadable images of a folder."),
    ] = None,
    processes: Annotated[
        int, typer.Option("--processes", min=1, metavar="N", help="Train in N processes on this machine.")
    ] = 1,
    restarts: Annotated[
        int, typer.Option("--restarts", min=0, metavar="N", help="Continue up to N times after a process was lost.")
    ] = 0,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="HOSTS", help="HOST:PORT,HOST:PORT... or slurm: train on several machines."),
    ] = None,
    index: Annotated[
        int | None, typer.Option("--index", min=0, metavar="N", help="This process's place in --cluster, from 0.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain-speed", help="First measure where a step's time goes and what would be faster.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a recipe into a new run directory."""
    from dlkit.machine.cluster import find_cluster
    from dlkit.process import runs_root, set_conditions
    from dlkit.training.request import TrainingRequest

    apply_data_options(data_dir, offline)
    set_conditions(deterministic, threads, skip_bad)
    here = find_cluster(cluster, index)
    request = TrainingRequest(recipe, runs_root(runs_dir), overrides or (), start_from, resume, run, here, data)
    plan = request.resolve()
    if processes > 1 or restarts:
        raise typer.Exit(_in_processes(plan, processes, threads, restarts))

    from dlkit import console
    from dlkit.machine.tensorflow import start_tensorflow

    if plan.unfinished is not None:
        console.note(f"resuming {plan.unfinished.path}")
    console.note("starting TensorFlow")
    with console.waiting("starting TensorFlow"):
        start_tensorflow(plan.sharded)
        from dlkit.training.run import train as run_training
    speed = _explained(plan.loaded, as_json) if explain else None
    with console.TrainingProgress(plan.loaded.recipe) as reporter:
        result = run_training(plan, reporter)
    if result is None:  # another process writes the run
        return
    if as_json:
        console.print_json(result.to_json() | ({"speed": speed.to_json()} if speed else {}))
    else:
        console.show_training(result)
    if result.differences:
        raise typer.Exit(1)


def _in_processes(plan: "TrainingPlan", count: int, threads: int | None, restarts: int) -> int:
    """Train in several processes of this machine; return the exit code."""
    import sys

    from dlkit import console
    from dlkit.errors import InputError
    from dlkit.experiments.processes import train_in_processes, without
    from dlkit.training.request import check_shards

    if plan.cluster is not None:
        raise InputError(
            "--processes and --restarts are for one machine, but a cluster is given",
            "omit them, or omit --cluster and unset TF_CONFIG",
        )
    check_shards(plan.loaded, count)
    arguments = without(sys.argv[1:], "--processes", "--restarts", "--threads")
    return train_in_processes(plan, arguments, count, threads=threads, restarts=restarts, note=console.note)


def _explained(loaded: "LoadedRecipe", as_json: bool) -> "Speed":
    """Measure the speed of a recipe's step, and print it unless stdout is JSON."""
    from dlkit import console
    from dlkit.experiments.speed import explain_speed

    with console.waiting("measuring a step"):
        speed = explain_speed(loaded)
    if not as_json:
        console.show_speed(speed)
    return speed
