"""dlkit evaluate: measure a run on a split and compare it with the lecture's figures."""

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import (
    CHECKPOINTS,
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
)


def evaluate(
    run: Run = None,
    split: Annotated[
        str | None,
        typer.Option("--split", help="test, validation or train [default: the split of the recipe's contract]."),
    ] = None,
    checkpoint: Checkpoint = "last",
    runs_dir: RunsDir = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="PATH", help="Where the run's data is now, or other data to measure it on."),
    ] = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    tile: Tile = None,
    overlap: Overlap = None,
    processes: Annotated[
        int, typer.Option("--processes", min=1, metavar="N", help="Share the batches among N processes.")
    ] = 1,
    as_json: Json = False,
) -> None:
    """Measure a run on a split and check its contract."""
    from dlkit.evaluation.request import EvaluationRequest
    from dlkit.process import runs_root

    apply_data_options(data_dir, offline)
    check_choice("--checkpoint", checkpoint, CHECKPOINTS)
    if split is not None:
        check_choice("--split", split, ("test", "validation", "train"))
    request = EvaluationRequest(runs_root(runs_dir), run, split, checkpoint, tile, overlap, data, processes)
    found = request.resolve()

    from dlkit import console
    from dlkit.cli._options import note_passed_over
    from dlkit.machine.tensorflow import start_tensorflow

    note_passed_over(found, run, request.root)
    with console.waiting("evaluating"):
        start_tensorflow()
        from dlkit.evaluation.evaluate import evaluate_run

        result = evaluate_run(request, found, console.note)
    from dlkit.diagnosis.stored import known

    findings = [finding.to_json() for finding in known(found)]
    if as_json:
        console.print_json(result.to_json() | ({"diagnosis": findings} if findings else {}))
    else:
        console.show_evaluation(result)
        console.show_band(result.band)
        console.show_findings(findings)
    if result.failed:
        raise typer.Exit(1)
