"""dlkit evaluate: a run's metrics on a split, beside the lecture's."""

from typing import Annotated, Any

import typer

from dlkit.cli._options import (
    Checkpoint,
    DataDir,
    Json,
    Offline,
    Overlap,
    Run,
    RunsDir,
    Tile,
    apply_data_options,
    check_choice,
    check_tiles,
)


def evaluate(
    run: Run = None,
    split: Annotated[
        str | None,
        typer.Option("--split", help="test, validation or train [default: the split of the recipe's contract]."),
    ] = None,
    checkpoint: Checkpoint = "last",
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    tile: Tile = None,
    overlap: Overlap = None,
    as_json: Json = False,
) -> None:
    """Measure a run on a split and check its contract."""
    from dlkit.run_conditions import restore_left_out
    from dlkit.run_directory import find_run, runs_root

    apply_data_options(data_dir, offline)
    check_tiles(tile, overlap)
    check_choice("--checkpoint", checkpoint, ("last", "best"))
    if split is not None:
        check_choice("--split", split, ("test", "validation", "train"))
    found = find_run(run, runs_root(runs_dir))
    found.checkpoint(checkpoint)
    restore_left_out(found)

    from dlkit import console
    from dlkit.recipe.contract import check_metrics, is_overridden
    from dlkit.repetition import band
    from dlkit.tensorflow_start import start_tensorflow

    with console.waiting("evaluating"):
        start_tensorflow()
        from dlkit import evaluation, trained_model
        from dlkit.tiling import Tiles

        trained = trained_model.open_run(found, checkpoint)
        expect = trained.loaded.recipe.expect
        split = split or expect.split
        metrics = evaluation.evaluate(trained, split, Tiles(tile, overlap) if tile else None)
        lies = band(found, trained.loaded, split, metrics) if checkpoint == "last" else None
    overridden = is_overridden(found.read_json("environment.json").get("overrides", []))
    verdicts = check_metrics(expect, metrics, overridden) if split == expect.split else []
    failed = [verdict for verdict in verdicts if verdict.passed is False]
    if as_json:
        contract = {"passed": not failed, "differences": [str(verdict) for verdict in failed]}
        content: dict[str, Any] = {"run": str(found.path), "recipe": trained.loaded.recipe.name, "split": split}
        content |= {"checkpoint": checkpoint, "metrics": metrics, "contract": contract}
        console.print_json(content | ({"band": lies} if lies else {}))
    else:
        console.show_evaluation(found, split, metrics, verdicts)
        console.show_band(lies)
    if failed:
        raise typer.Exit(1)
