"""dlkit inspect: show what a file contains and whether it is safe, without loading it."""

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import Json


def inspect(
    file: Annotated[
        Path, typer.Argument(help="A .keras, .h5, .npz or .npy file, a SavedModel, a run or a certificate.")
    ],
    as_json: Json = False,
) -> None:
    """Show what an artefact contains and whether it is safe to open, without loading it."""
    from dlkit import console
    from dlkit.runs import inspection

    if (file / "saved_model.pb").is_file():
        from dlkit.machine.tensorflow import start_tensorflow

        with console.waiting("reading"):
            start_tensorflow()
    found = inspection.inspect(file)
    if as_json:
        console.print_json(found.to_json())
    else:
        console.show_inspection(found)
    if not found.safe:
        raise typer.Exit(1)
