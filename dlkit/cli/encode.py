"""dlkit encode: write the codes that a run's autoencoder computes."""

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import (
    CHECKPOINTS,
    Checkpoint,
    DataDir,
    Json,
    Offline,
    RunsDir,
    apply_data_options,
    check_choice,
    check_ending,
)


def encode(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run directory or a recipe's name (its latest run).")],
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[INPUTS]...",
            help="Images, folders of images, .csv files, .npz files with an array x, or .npy files.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", help="The .npz file to write.")] = Path("codes.npz"),
    split: Annotated[
        str | None, typer.Option("--split", help="Encode this split instead of INPUTS: train or validation.")
    ] = None,
    checkpoint: Checkpoint = "last",
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Write the codes of files, rows or a split to an .npz file."""
    from dlkit.errors import InputError
    from dlkit.evaluation.request import check_inputs
    from dlkit.process import runs_root
    from dlkit.runs.find import find_trained

    apply_data_options(data_dir, offline)
    check_choice("--checkpoint", checkpoint, CHECKPOINTS)
    if split is not None:
        check_choice("--split", split, ("train", "validation"))
    if bool(inputs) == bool(split):
        raise InputError("encode needs either INPUTS or --split", "such as: dlkit encode vae --split validation")
    check_ending("--output", output, ".npz")
    check_inputs(inputs or [])
    root = runs_root(runs_dir)
    found = find_trained(run, root, checkpoint)

    from dlkit import console
    from dlkit.cli._options import note_passed_over
    from dlkit.machine.tensorflow import start_tensorflow

    note_passed_over(found, run, root)
    with console.waiting("encoding"):
        start_tensorflow()
        from dlkit.evaluation.encode import write_codes_of
        from dlkit.evaluation.inputs import inputs_passed_over

        shapes = write_codes_of(found, checkpoint, inputs or [], split, output)
    for text in inputs_passed_over(inputs or []):
        console.note(text)
    if as_json:
        console.print_json({"run": str(found.path), "output": str(output), "arrays": shapes})
    else:
        console.line(f"written  {output}  " + ", ".join(f"{name} {shape}" for name, shape in shapes.items()))
