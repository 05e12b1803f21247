"""dlkit attack: change few pixels of images until a run's classifier is wrong."""

from typing import Annotated

import typer

from dlkit.cli._options import (
    CHECKPOINTS,
    Checkpoint,
    DataDir,
    Json,
    Offline,
    Run,
    RunsDir,
    apply_data_options,
    check_choice,
    is_given,
)

PIXELS, GRADIENT = ("pixels",), ("fgsm", "pgd")
READ_BY = {"pixels": PIXELS, "population": PIXELS, "generations": PIXELS, "epsilon": GRADIENT, "steps": ("pgd",)}


def attack(
    context: typer.Context,
    run: Run = None,
    method: Annotated[str, typer.Option("--method", help="pixels (black box), fgsm or pgd (white box).")] = "pixels",
    pixels: Annotated[int, typer.Option("--pixels", min=1, help="Pixels to change.")] = 1,
    images: Annotated[int, typer.Option("--images", min=1, help="Images to attack, among those it recognizes.")] = 100,
    targeted: Annotated[bool, typer.Option("--targeted", help="Aim at every other class, one by one.")] = False,
    targets: Annotated[
        int | None, typer.Option("--targets", min=1, help="With --targeted: aim at so many classes, drawn.")
    ] = None,
    split: Annotated[str, typer.Option("--split", help="validation or train.")] = "validation",
    seed: Annotated[int, typer.Option("--seed", min=0, help="The seed of all draws.")] = 0,
    population: Annotated[int, typer.Option("--population", min=5, help="Candidates of a generation.")] = 400,
    generations: Annotated[int, typer.Option("--generations", min=1, help="The most generations.")] = 100,
    epsilon: Annotated[
        float, typer.Option("--epsilon", min=0.5, max=255, help="fgsm, pgd: the largest change of a value, of 255.")
    ] = 8.0,
    steps: Annotated[int, typer.Option("--steps", min=2, help="pgd: steps along the gradient.")] = 10,
    checkpoint: Checkpoint = "last",
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Attack a classifier: change one pixel (or few, or all a little) until it is wrong, and count how often it works.

    Run the same command again to continue. Example: dlkit attack mnist_cnn_fast --images 20 --generations 20
    """
    from dlkit.errors import InputError
    from dlkit.process import runs_root
    from dlkit.runs.find import find_trained

    apply_data_options(data_dir, offline)
    check_choice("--checkpoint", checkpoint, CHECKPOINTS)
    check_choice("--method", method, (*PIXELS, *GRADIENT))
    _check_options(context, method)
    check_choice("--split", split, ("validation", "train"))
    if targets is not None and not targeted:
        raise InputError("--targets is the number of classes that a targeted attack aims at", "add --targeted")
    root = runs_root(runs_dir)
    found = find_trained(run, root, checkpoint)

    from dlkit import console
    from dlkit.cli._options import note_passed_over
    from dlkit.machine.tensorflow import start_tensorflow

    note_passed_over(found, run, root)
    with console.waiting("attacking"):
        start_tensorflow()
        from dlkit.experiments.attack import Attack, draw_attack, run_attack
        from dlkit.experiments.pixel_attack import Search
        from dlkit.model.trained import open_run

        trained = open_run(found, checkpoint)
        aims = (targets or max(len(trained.built.class_names) - 1, 1)) if targeted else 0
        search = Search(pixels, population, generations)
        chosen = Attack(method, images, aims, split, seed, search, epsilon, steps)
        with found.locked():
            result = run_attack(trained, chosen, console.note_attempt)
            draw_attack(trained.run, result, console.note)
    console.print_json(result) if as_json else console.show_attack(result)


def _check_options(context: typer.Context, method: str) -> None:
    """Raise InputError for an option on the command line that the method does not read."""
    from dlkit.errors import InputError

    for name, methods in READ_BY.items():
        if method not in methods and is_given(context, name):
            raise InputError(f"--{name} is of --method {' and '.join(methods)}, not of {method}", f"leave out --{name}")
