"""dlkit predict: predict files or the rows of tables with a run's model."""

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import (
    CHECKPOINTS,
    Checkpoint,
    Json,
    Offline,
    Overlap,
    RunsDir,
    Tile,
    apply_data_options,
    check_choice,
)


def predict(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Images, recordings, .txt files, folders of them, .csv files, .npz files with an array x, or "
            ".npy files."
        ),
    ],
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
        Path | None, typer.Option("--output", help="Write the predicted masks into this folder as PNG files.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict images, recordings, texts, folders of them, or the rows of a .csv, .npz or .npy file.

    Example: dlkit predict photos/ --run image_folder_cnn
    """
    from dlkit.evaluation.request import check_inputs, check_tiles
    from dlkit.process import runs_root
    from dlkit.runs.find import find_trained

    apply_data_options(None, offline)
    check_tiles(tile, overlap)
    check_choice("--checkpoint", checkpoint, CHECKPOINTS)
    check_inputs(inputs)
    root = runs_root(runs_dir)
    found = find_trained(run, root, checkpoint)

    from dlkit import console
    from dlkit.cli._options import note_passed_over
    from dlkit.machine.tensorflow import start_tensorflow

    note_passed_over(found, run, root)
    console.note(f"run {found.path}, {found.describe_checkpoint(checkpoint)}")
    with console.waiting("predicting"):
        start_tensorflow()
        from dlkit.evaluation.inputs import inputs_passed_over
        from dlkit.evaluation.predict import predict as run_predict
        from dlkit.evaluation.predict import prediction_rows
        from dlkit.evaluation.tiling import Tiles
        from dlkit.model.trained import open_run

        trained = open_run(found, checkpoint)
        results = run_predict(trained, inputs, Tiles(tile, overlap) if tile else None, output)
    for text in inputs_passed_over(inputs):
        console.note(text)
    if as_json:
        console.print_json(results)
    else:
        console.show_predictions(prediction_rows(trained, results))
