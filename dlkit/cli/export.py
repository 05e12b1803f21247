"""dlkit export: write a run as a deployable artefact, with a certificate that its outputs equal the run's."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit.cli._options import CHECKPOINTS, Checkpoint, Json, Offline, Run, RunsDir, apply_data_options, check_choice

if TYPE_CHECKING:
    from dlkit.export.request import ExportRequest
    from dlkit.runs.directory import RunDirectory


def export(
    run: Run = None,
    format_name: Annotated[
        str, typer.Option("--format", help="A format of `dlkit list exporters`, or all.")
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
    examples: Annotated[
        int | None, typer.Option("--examples", min=1, help="Compare N examples of validation [default: all].")
    ] = None,
    allowed_loss: Annotated[
        float,
        typer.Option("--allowed-loss", min=0, max=1, help="How much of its metric an int8 artefact may lose."),
    ] = 0.01,
    rounds: Annotated[int, typer.Option("--rounds", min=0, help="Rounds of the latency's measurement; 0: none.")] = 7,
    runs_dir: RunsDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Export a run, or verify an exported artefact.

    Every artefact gets a certificate: a clean process opens it with the format's own runtime, and must give the run's
    answers for the validation split. Example: dlkit export --format all
    """
    from dlkit.export.request import ALL, ExportRequest
    from dlkit.process import runs_root

    apply_data_options(None, offline)
    check_choice("--checkpoint", checkpoint, CHECKPOINTS)
    chosen = (format_name, part, checkpoint, output, verify, examples, allowed_loss, rounds)
    request = ExportRequest(runs_root(runs_dir), run, *chosen)
    found = request.resolve()

    from dlkit import console
    from dlkit.cli._options import note_passed_over
    from dlkit.machine.tensorflow import start_tensorflow

    if found is not None:
        note_passed_over(found, run, request.root)
    with console.waiting("verifying" if verify else "exporting"):
        start_tensorflow()
        if found is not None and request.format_name == ALL:
            return _export_all(request, found, as_json)
        from dlkit.export.export import export_or_verify

        result = export_or_verify(request, found, console.note)
    if as_json:
        console.print_json(result.to_json())
    else:
        console.show_export(result.path, result.certificate, verified=verify is not None)


def _export_all(request: "ExportRequest", run: "RunDirectory", as_json: bool) -> None:
    """Export in every format and print one table; exit 1 when an artefact differs from the run."""
    from dlkit import console
    from dlkit.catalog.find import names
    from dlkit.errors import ExitCode
    from dlkit.export.table import DIFFERS, export_formats
    from dlkit.model.trained import open_run

    trained = open_run(run, request.checkpoint)
    rows = [row.to_json() for row in export_formats(request, trained, names("exporter"), console.note)]
    if as_json:
        console.print_json({"run": str(run.path), "formats": rows})
    else:
        console.show_formats(rows)
    if any(row["status"] == DIFFERS for row in rows):
        raise typer.Exit(ExitCode.CHECK_FAILED)
