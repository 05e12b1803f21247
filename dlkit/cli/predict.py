"""dlkit predict: what a run's model says of images or rows."""

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import (
    Checkpoint,
    Json,
    Offline,
    Overlap,
    RunsDir,
    Tile,
    apply_data_options,
    check_choice,
    check_tiles,
)


def predict(
    inputs: Annotated[list[Path], typer.Argument(help="Images, folders of images, or .npz files with an array x.")],
    run: Annotated[
        str | None,
        typer.Option("--run", help="A run directory or a recipe's name (its latest run) [default: the latest]."),
    ] = None,
    checkpoint: Checkpoint = "last",
    runs_dir: RunsDir = None,
    offline: Offline = False,
    tile: Tile = None,
    overlap: Overlap = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the predicted masks into this folder, as PNG.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict images, folders of images or the rows of an .npz."""
    from dlkit.errors import MissingError
    from dlkit.run_directory import find_run, runs_root

    apply_data_options(None, offline)
    check_tiles(tile, overlap)
    check_choice("--checkpoint", checkpoint, ("last", "best"))
    for path in inputs:
        if not path.exists():
            hint = "give images, folders of images or .npz files; a run is named by --run"
            raise MissingError(f"no such file or folder: {path}", hint)
    found = find_run(run, runs_root(runs_dir), finished=True if run is None else None)
    found.checkpoint(checkpoint)

    from dlkit import console
    from dlkit.tensorflow_start import start_tensorflow

    with console.waiting("predicting"):
        start_tensorflow()
        from dlkit import prediction, trained_model
        from dlkit.tiling import Tiles

        tiles = Tiles(tile, overlap) if tile else None
        results = prediction.predict(trained_model.open_run(found, checkpoint), inputs, tiles, output)
    if as_json:
        console.print_json(results)
    else:
        console.show_predictions(results)
