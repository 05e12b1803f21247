"""dlkit export: write a run as a deployable artefact, with a certificate that its outputs equal the run's."""

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli._options import CHECKPOINTS, Checkpoint, Json, Offline, Run, RunsDir, apply_data_options, check_choice


def export(
    run: Run = None,
    format_name: Annotated[
        str, typer.Option("--format", help="The exporter to use (see `dlkit list exporters`).")
    ] = "saved_model",
    part: Annotated[
        str | None, typer.Option("--part", help="Export only this part of an autoencoder: encoder or decoder.")
    ] = None,
    checkpoint: Checkpoint = "last",
    output: Annotated[
        Path | None, typer.Option("--output", help="Where to write NAME/VERSION/ [default: exports/ in the run].")
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option("--verify", metavar="PATH", help="Check this artefact against its certificate and run."),
    ] = None,
    runs_dir: RunsDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Export a run, or verify an exported artefact."""
    from dlkit.export.request import ExportRequest
    from dlkit.process import runs_root

    apply_data_options(None, offline)
    check_choice("--checkpoint", checkpoint, CHECKPOINTS)
    request = ExportRequest(runs_root(runs_dir), run, format_name, part, checkpoint, output, verify)
    found = request.resolve()

    from dlkit import console
    from dlkit.cli._options import note_passed_over
    from dlkit.machine.tensorflow import start_tensorflow

    if found is not None:
        note_passed_over(found, run, request.root)
    with console.waiting("verifying" if verify else "exporting"):
        start_tensorflow()
        from dlkit.export.export import export_or_verify

        result = export_or_verify(request, found)
    if as_json:
        console.print_json(result.to_json())
    else:
        console.show_export(result.path, result.certificate, verified=verify is not None)
