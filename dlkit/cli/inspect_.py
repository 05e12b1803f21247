"""dlkit inspect: show what a file contains and whether it is safe, without loading it."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import Json


def inspect(
    file: Annotated[
        Path,
        typer.Argument(
            help="A .keras, .h5, .npz, .npy, .onnx, .tflite or OpenVINO .xml file, a SavedModel, a certificate or run."
        ),
    ],
    weights: Annotated[
        str | None, typer.Option("--weights", metavar="LAYER", help="Show the weights of a layer of a run (opens it).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what an artefact contains and whether it is safe to open, without loading it."""
    if weights is not None:
        _show_weights(file, weights, as_json)
        return
    from dlkit import console
    from dlkit.runs import inspection

    file = _run_named(file)
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


def _run_named(path: Path) -> Path:
    """Return the directory of the run that a word names, unless it is a path."""
    from dlkit.errors import MissingError
    from dlkit.process import runs_root
    from dlkit.runs.find import find_run

    if not path.exists():
        with suppress(MissingError):
            return find_run(str(path), runs_root(None)).path
    return path


def _show_weights(path: Path, layer: str, as_json: bool) -> None:
    """Print the weights of one layer; a run is found and checked as `evaluate` does it."""
    from dlkit import console
    from dlkit.machine.tensorflow import start_tensorflow
    from dlkit.process import runs_root
    from dlkit.runs.find import find_trained

    run = find_trained(str(path), runs_root(None))
    with console.waiting("reading"):
        start_tensorflow()
        from dlkit.model.weights import layer_weights

        found = layer_weights(run, layer)
    if as_json:
        console.print_json({"run": str(run.path), "layer": layer, "weights": found})
    else:
        console.show_weights(found)
